package deploy_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

type alert struct{ name, expr, severity string }

func alerts(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/alerts.yml")), &file); err != nil {
		t.Fatalf("prometheus/alerts.yml: %v", err)
	}
	var all []alert
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			all = append(all, alert{r.Alert, r.Expr, r.Labels["severity"]})
		}
	}
	if len(all) == 0 {
		t.Fatal("prometheus/alerts.yml holds no alert")
	}
	return all
}

func TestPrometheusTakesTheConfigurationAndTheRulesDoAsTheyShould(t *testing.T) {
	promtool := tool(t, "promtool")
	run(t, "prometheus", promtool, "check", "config", "prometheus.yml")
	run(t, "prometheus", promtool, "check", "rules", "alerts.yml")
	run(t, "prometheus", promtool, "test", "rules", "alerts_test.yml")
}

func TestEveryAlertIsTestedAndExplained(t *testing.T) {
	tests, operations := read(t, "prometheus/alerts_test.yml"), read(t, "../docs/operations.md")
	for _, a := range alerts(t) {
		if !regexp.MustCompile(`alertname: ` + a.name + `\n\s+exp_alerts:\n\s+- exp_labels`).MatchString(tests) {
			t.Errorf("no test in alerts_test.yml makes %s fire", a.name)
		}
		if !strings.Contains(tests, "alertname: "+a.name+", exp_alerts: []") {
			t.Errorf("no test in alerts_test.yml shows %s silent", a.name)
		}
		if !strings.Contains(operations, "\n### "+a.name+"\n") {
			t.Errorf("docs/operations.md does not say what to do at %s", a.name)
		}
		if a.severity != "page" && a.severity != "ticket" {
			t.Errorf("%s has the severity %q", a.name, a.severity)
		}
	}
}

func TestPrometheusScrapesWhereTheServerListensByDefault(t *testing.T) {
	if !strings.Contains(read(t, "prometheus/prometheus.yml"), defaultConfig.Web.Listen.String()) {
		t.Errorf("prometheus.yml does not scrape %s", defaultConfig.Web.Listen)
	}
}
