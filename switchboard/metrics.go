package switchboard

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"telefonist/call"
	"telefonist/queue"
	"telefonist/record"
	"telefonist/tariff"
)

// Results of calls that never became one, beside the outcomes of package call.
const (
	resultUnknown     = "unknown_number"
	resultUnavailable = "unavailable"
	resultReturned    = "returned"
	resultBlocked     = "blocked"
)

type metrics struct {
	calls       *prometheus.CounterVec
	active      prometheus.Gauge
	wait        prometheus.Histogram
	handling    prometheus.Histogram
	thresholds  *prometheus.CounterVec
	rows        *prometheus.CounterVec
	lag         prometheus.Histogram
	panics      prometheus.Counter
	lost        prometheus.Counter
	stranded    prometheus.Counter
	refusedMail prometheus.Counter
	givenUp     prometheus.Counter
}

func threshold(k call.Kind) string {
	switch k {
	case call.KindWarned:
		return "warning"
	case call.KindOverran:
		return "included"
	default:
		return "long"
	}
}

func newMetrics(reg prometheus.Registerer, b *Board) *metrics {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "telefonist_" + name, Help: help}, labels)
	}
	seconds := []float64{1, 2, 5, 10, 15, 20, 30, 35, 45, 60, 90, 120, 180, 300, 600, 1200}
	m := &metrics{
		calls:  counter("calls_total", "Calls that ended or were refused, by result.", "result"),
		active: prometheus.NewGauge(prometheus.GaugeOpts{Name: "telefonist_calls_active", Help: "Calls in progress."}),
		wait: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "telefonist_queue_wait_seconds",
			Help: "Time from a call's arrival to a receptionist's answer.", Buckets: seconds}),
		handling: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "telefonist_handling_seconds",
			Help: "Summed handling time of answered calls.", Buckets: seconds}),
		thresholds: counter("threshold_crossings_total", "Marks of handling time that calls passed: warning (35 s), included (45 s), long (2 min).", "threshold"),
		rows:       counter("rows_total", "Tariff rows by tariff.", "tariff"),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "telefonist_switchboard_lag_seconds",
			Help: "Time that events waited for the event loop.", Buckets: prometheus.ExponentialBuckets(1e-5, 4, 10)}),
		panics:      prometheus.NewCounter(prometheus.CounterOpts{Name: "telefonist_switchboard_panics_total", Help: "Transitions that panicked; each ended one call."}),
		lost:        prometheus.NewCounter(prometheus.CounterOpts{Name: "telefonist_calls_unsaved_total", Help: "Calls whose record could not be written before the service stopped."}),
		stranded:    prometheus.NewCounter(prometheus.CounterOpts{Name: "telefonist_agents_stranded_total", Help: "Agents whose reservation ran out since nothing was heard of their call."}),
		refusedMail: prometheus.NewCounter(prometheus.CounterOpts{Name: "telefonist_switchboard_refused_total", Help: "Events that a full mailbox refused."}),
		givenUp:     prometheus.NewCounter(prometheus.CounterOpts{Name: "telefonist_events_given_up_total", Help: "Events beside calls that are missing in the stream: the store could not write them, and too many waited."}),
	}
	for _, o := range call.Outcomes {
		m.calls.WithLabelValues(string(o))
	}
	for _, r := range []string{resultUnknown, resultUnavailable, resultReturned, resultBlocked} {
		m.calls.WithLabelValues(r)
	}
	for _, k := range []call.Kind{call.KindWarned, call.KindOverran, call.KindLong} {
		m.thresholds.WithLabelValues(threshold(k))
	}
	for _, t := range tariff.AllTariffs() {
		m.rows.WithLabelValues(t.String())
	}
	reg.MustRegister(m.calls, m.active, m.wait, m.handling, m.thresholds, m.rows, m.lag, m.panics, m.lost, m.stranded, m.refusedMail, m.givenUp, &state{board: b})
	return m
}

// ended counts a call that has its record.
func (m *metrics) ended(r *record.Record) {
	m.calls.WithLabelValues(string(r.Outcome)).Inc()
	if r.Row != nil {
		m.rows.WithLabelValues(r.Row.Tariff.String()).Inc()
		m.handling.Observe(float64(r.HandledMS) / 1000)
	}
}

// state collects what only the loop knows, by asking it.
type state struct{ board *Board }

var (
	waitingDesc = prometheus.NewDesc("telefonist_queue_waiting", "Callers in the waiting lines.", nil, nil)
	agentsDesc  = prometheus.NewDesc("telefonist_agents", "Agents by what they are doing.", []string{"state"}, nil)
	alarmDesc   = prometheus.NewDesc("telefonist_alarm", "Whether an alarm for supervisors is up (1) or not (0).", []string{"alarm"}, nil)
	parkedDesc  = prometheus.NewDesc("telefonist_calls_parked", "Callers who are parked.", nil, nil)
	wishesDesc  = prometheus.NewDesc("telefonist_callback_wishes", "Call-back wishes that wait to be taken.", nil, nil)
	stuckDesc   = prometheus.NewDesc("telefonist_calls_stuck", "Calls that could not be made durable or could not be ended.", nil, nil)
)

func (s *state) Describe(ch chan<- *prometheus.Desc) {
	ch <- waitingDesc
	ch <- agentsDesc
	ch <- stuckDesc
	ch <- alarmDesc
	ch <- parkedDesc
	ch <- wishesDesc
}

func (s *state) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	snap, err := s.board.Snapshot(ctx)
	if err != nil { // stopped or too busy: say so by leaving the gauges out
		return
	}
	count := map[queue.State]int{}
	for _, a := range snap.Agents {
		count[a.State]++
	}
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	for _, st := range queue.States {
		gauge(agentsDesc, count[st], string(st))
	}
	gauge(waitingDesc, snap.Waiting)
	gauge(stuckDesc, snap.Stuck)
	gauge(parkedDesc, len(snap.Parked))
	gauge(wishesDesc, len(snap.Wishes))
	up := map[string]int{}
	for _, a := range snap.Alarms {
		up[a.Kind] = 1
	}
	for _, kind := range record.StreamKinds[record.AboutAlarm] {
		gauge(alarmDesc, up[kind], kind)
	}
}
