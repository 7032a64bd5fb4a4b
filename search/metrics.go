package search

import "github.com/prometheus/client_golang/prometheus"

// metrics of the package; times in seconds.
type metrics struct {
	search, open    prometheus.Histogram
	evicted, failed prometheus.Counter
}

// newMetrics registers the metrics; what is asked of totals at each scrape are the open indexes, their documents and bytes.
func newMetrics(r prometheus.Registerer, totals func() Stats) (*metrics, error) {
	m := &metrics{
		search: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "telefonist_search_seconds",
			Help: "Time of one search in an open index.", Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1}}),
		open: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "telefonist_search_open_seconds",
			Help: "Time to read a tenant's documents and to index them.", Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}}),
		evicted: prometheus.NewCounter(prometheus.CounterOpts{Name: "telefonist_search_evicted_total",
			Help: "Indexes closed to make room for others."}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{Name: "telefonist_search_open_errors_total",
			Help: "Indexes that could not be opened."}),
	}
	if r == nil {
		return m, nil
	}
	gauge := func(name, help string, of func(Stats) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return of(totals()) })
	}
	for _, c := range []prometheus.Collector{m.search, m.open, m.evicted, m.failed,
		gauge("telefonist_search_indexes", "Tenants whose index is open.", func(s Stats) float64 { return float64(s.Tenants) }),
		gauge("telefonist_search_documents", "Documents in open indexes.", func(s Stats) float64 { return float64(s.Documents) }),
		gauge("telefonist_search_bytes", "Memory of open indexes.", func(s Stats) float64 { return float64(s.Bytes) })} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
