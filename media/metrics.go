package media

import (
	"github.com/prometheus/client_golang/prometheus"

	"telefonist/record"
)

// metrics adds up the legs' counters when Prometheus asks.
type metrics struct {
	engine *Engine
	closed totals // of legs that are closed; protected by Engine.mu

	packets, lost, dropped, sessions, ports *prometheus.Desc

	// Of each leg that is closed: what came from its far side, and what that said it heard.
	loss, jitter, mos *prometheus.HistogramVec
	roundTrip         prometheus.Histogram
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
	histogram := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{"heard_by"})
		h.WithLabelValues(heardByUs)
		h.WithLabelValues(heardByThem)
		return h
	}
	return &metrics{
		loss: histogram("telefonist_rtp_loss_ratio",
			"Share of RTP packets lost per leg, from 0 to 1.", 0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
		jitter: histogram("telefonist_rtp_jitter_seconds",
			"Mean interarrival jitter per leg (RFC 3550).", 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
		mos: histogram("telefonist_rtp_mos",
			"Estimated mean opinion score per leg (ITU-T G.107), from 1 to 4.5.", 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.3),
		roundTrip: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "telefonist_rtp_round_trip_seconds",
			Help: "Round trip per leg by RTCP.", Buckets: []float64{0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8}}),
		engine: e,
		packets: prometheus.NewDesc("telefonist_rtp_packets_total",
			"RTP packets taken from and sent to the far sides of legs.", []string{"direction"}, nil),
		lost: prometheus.NewDesc("telefonist_rtp_lost_total",
			"RTP packets that never arrived, by gaps in the sequence.", nil, nil),
		dropped: prometheus.NewDesc("telefonist_rtp_dropped_total",
			"RTP packets thrown away.", []string{"reason"}, nil),
		sessions: prometheus.NewDesc("telefonist_media_sessions", "Legs with a media session.", nil, nil),
		ports: prometheus.NewDesc("telefonist_media_ports",
			"Port pairs for audio by state; those of a call that has ended rest for 5 s.", []string{"state"}, nil),
	}
}

// fold keeps the counts of a leg that is being closed. Engine.mu is held, and the leg has left Engine.legs.
func (m *metrics) fold(l *leg) { m.closed.add(&l.counts) }

// Values of the label heard_by.
const (
	heardByUs   = "us"
	heardByThem = "them"
)

// observe takes the quality of a leg that has been closed.
func (m *metrics) observe(q quality, r record.Media) {
	for _, h := range []struct {
		by string
		hearing
		mos float64
	}{{heardByUs, q.in, r.MOS}, {heardByThem, q.out, r.FarMOS}} {
		if h.known {
			m.loss.WithLabelValues(h.by).Observe(h.loss)
			m.jitter.WithLabelValues(h.by).Observe(h.jitter.Seconds())
			m.mos.WithLabelValues(h.by).Observe(h.mos)
		}
	}
	if q.roundTrip > 0 {
		m.roundTrip.Observe(q.roundTrip.Seconds())
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- m.packets
	ch <- m.lost
	ch <- m.dropped
	ch <- m.sessions
	ch <- m.ports
	m.loss.Describe(ch)
	m.jitter.Describe(ch)
	m.mos.Describe(ch)
	m.roundTrip.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.engine.mu.Lock()
	t, sessions := m.closed, len(m.engine.legs)
	for _, l := range m.engine.legs {
		t.add(&l.counts)
	}
	m.engine.mu.Unlock()
	t.dropped[dropForeign] += m.engine.sockets.strangers()

	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	count(m.packets, t.received, "in")
	count(m.packets, t.sent, "out")
	count(m.lost, t.lost)
	for i, n := range t.dropped {
		count(m.dropped, n, dropNames[i])
	}
	m.loss.Collect(ch)
	m.jitter.Collect(ch)
	m.mos.Collect(ch)
	m.roundTrip.Collect(ch)
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	gauge(m.sessions, sessions)
	pairs := m.engine.sockets.count()
	gauge(m.ports, pairs.free, "free")
	gauge(m.ports, pairs.resting, "resting")
	gauge(m.ports, pairs.bound, "bound")
}
