package media

import "github.com/prometheus/client_golang/prometheus"

// metrics adds up the legs' counters when Prometheus asks.
type metrics struct {
	engine *Engine
	closed totals // of legs that are closed; protected by Engine.mu

	packets, lost, dropped, sessions *prometheus.Desc
}

type totals struct {
	received, sent, lost uint64
	dropped              [drops]uint64
}

func (t *totals) add(c *counts) {
	t.received += c.received.Load()
	t.sent += c.sent.Load()
	t.lost += c.lost.Load()
	for i := range t.dropped {
		t.dropped[i] += c.dropped[i].Load()
	}
}

func newMetrics(e *Engine) *metrics {
	return &metrics{
		engine: e,
		packets: prometheus.NewDesc("telefonist_rtp_packets_total",
			"RTP packets taken from and sent to the far sides of legs.", []string{"direction"}, nil),
		lost: prometheus.NewDesc("telefonist_rtp_lost_total",
			"RTP packets that never arrived, by gaps in the sequence.", nil, nil),
		dropped: prometheus.NewDesc("telefonist_rtp_dropped_total",
			"RTP packets thrown away.", []string{"reason"}, nil),
		sessions: prometheus.NewDesc("telefonist_media_sessions", "Legs with a media session.", nil, nil),
	}
}

// fold keeps the counts of a leg that is being closed. Engine.mu is held, and the leg has left Engine.legs.
func (m *metrics) fold(l *leg) { m.closed.add(&l.counts) }

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.packets
	ch <- m.lost
	ch <- m.dropped
	ch <- m.sessions
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.engine.mu.Lock()
	t, sessions := m.closed, len(m.engine.legs)
	for _, l := range m.engine.legs {
		t.add(&l.counts)
	}
	m.engine.mu.Unlock()

	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	count(m.packets, t.received, "in")
	count(m.packets, t.sent, "out")
	count(m.lost, t.lost)
	for i, n := range t.dropped {
		count(m.dropped, n, dropNames[i])
	}
	ch <- prometheus.MustNewConstMetric(m.sessions, prometheus.GaugeValue, float64(sessions))
}
