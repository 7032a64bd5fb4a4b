package store

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Kinds of telefonist_store_errors_total.
const (
	errWrite   = "write"   // a transaction failed
	errBusy    = "busy"    // refused, too many waiting
	errInvalid = "invalid" // refused, can never be written
	errJournal = "journal" // entries without a head
	errClosed  = "closed"
)

// Kinds of telefonist_store_ignored_total: commits, or parts of one, that change nothing.
const (
	ignoredLate     = "late"     // entries or a heartbeat after the record
	ignoredFinal    = "final"    // a second, different record of a call
	ignoredConflict = "conflict" // a head, an entry or a message that differs from the one on disk
	ignoredMessage  = "message"  // a message that is not valid
)

// metrics of the package. commit is from Commit to durable, fsync one transaction's writing and syncing, both in seconds.
type metrics struct {
	commit  prometheus.Histogram
	fsync   prometheus.Histogram
	batch   prometheus.Histogram
	slow    prometheus.Counter
	errors  *prometheus.CounterVec
	ignored *prometheus.CounterVec
}

// newMetrics registers the metrics; pending and oldest (seconds) are asked at each scrape.
func newMetrics(r prometheus.Registerer, pending, oldest func() float64) (*metrics, error) {
	times := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5}
	m := &metrics{
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "telefonist_store_commit_seconds",
			Help: "Time from giving a commit until it is durable.", Buckets: times}),
		fsync: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "telefonist_store_fsync_seconds",
			Help: "Time to write and sync one transaction, which syncs twice (pages, then meta page).", Buckets: times}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "telefonist_store_batch_size",
			Help: "Commits that shared one transaction.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{Name: "telefonist_store_slow_commits_total",
			Help: "Commits that took longer than the alarm limit (500 ms) to become durable."}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "telefonist_store_errors_total",
			Help: "Commits that were not written, by what kept them."}, []string{"kind"}),
		ignored: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "telefonist_store_ignored_total",
			Help: "Parts of commits that changed nothing since what is on disk stands."}, []string{"kind"}),
	}
	for _, kind := range []string{errWrite, errBusy, errInvalid, errJournal, errClosed} {
		m.errors.WithLabelValues(kind)
	}
	for _, kind := range []string{ignoredLate, ignoredFinal, ignoredConflict, ignoredMessage} {
		m.ignored.WithLabelValues(kind)
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.commit, m.fsync, m.batch, m.slow, m.errors, m.ignored,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "telefonist_store_pending",
			Help: "Commits given and not yet answered."}, pending),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "telefonist_store_oldest_pending_seconds",
			Help: "How long the oldest commit has been waiting to become durable; it grows while a disk hangs."}, oldest),
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
