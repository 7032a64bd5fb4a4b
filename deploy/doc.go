// Package deploy holds what a server is run with: the systemd unit, the container file, example configurations, the
// Prometheus rules, the Grafana dashboard and an example trunk. Its tests hold these, the documentation and the program
// together: what is named there exists here. It exports nothing and no package imports it.
package deploy
