// Package memnet is a packet network in memory for tests.
//
// It owns the endpoints (net.PacketConn), what happens to packets between them,
// and a record of who sent what when. Everything in it is made of channels,
// timers and mutexes, so that a network created inside a testing/synctest bubble
// runs in virtual time. Packets between two endpoints arrive in the order they
// were sent, unless a Hook says otherwise; with latency 0 they are there at once.
//
// It never opens a socket and is never linked into the server.
package memnet
