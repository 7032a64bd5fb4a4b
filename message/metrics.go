package message

import (
	"github.com/prometheus/client_golang/prometheus"

	"telefonist/record"
)

// Results of telefonist_messages_attempts_total.
const (
	resultSent      = "sent"      // the gateway took the message
	resultPostponed = "postponed" // it failed for now
	resultFailed    = "failed"    // refused for good, or given up
)

// Results of telefonist_messages_receipts_total.
const (
	receiptDelivered = "delivered"
	receiptFailed    = "failed"
	receiptUnderWay  = "under_way"
	receiptUnknown   = "unknown"   // of a message that we do not have
	receiptRefused   = "refused"   // without the right token
	receiptMalformed = "malformed" // not understood
)

var channels = []record.Channel{record.Email, record.SMS}

// metrics of the package.
type metrics struct {
	attempts  *prometheus.CounterVec   // channel, result
	uncertain *prometheus.CounterVec   // channel
	waited    *prometheus.HistogramVec // channel; seconds from queued to taken by the gateway
	waiting   *prometheus.GaugeVec     // channel
	up        *prometheus.GaugeVec     // channel
	receipts  *prometheus.CounterVec   // result
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	byChannel := []string{"channel"}
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "telefonist_messages_attempts_total",
			Help: "Attempts to hand a message to its gateway, by result; failed ones are dead letters."}, []string{"channel", "result"}),
		uncertain: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "telefonist_messages_uncertain_total",
			Help: "Attempts of which nobody knows whether the gateway took the message; each may have sent it once more."}, byChannel),
		waited: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "telefonist_messages_wait_seconds",
			Help:    "Time from queueing a message until its gateway has taken it.",
			Buckets: []float64{.1, .5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600}}, byChannel),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "telefonist_messages_waiting",
			Help: "Messages that wait to be taken by their gateway."}, byChannel),
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "telefonist_messages_gateway_up",
			Help: "1 while the gateway answers, 0 while it is asked by one message at a time."}, byChannel),
		receipts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "telefonist_messages_receipts_total",
			Help: "Receipts that gateways posted, by result."}, []string{"result"}),
	}
	for _, c := range channels {
		for _, result := range []string{resultSent, resultPostponed, resultFailed} {
			m.attempts.WithLabelValues(string(c), result)
		}
		m.uncertain.WithLabelValues(string(c))
		m.waited.WithLabelValues(string(c))
		m.waiting.WithLabelValues(string(c))
		m.up.WithLabelValues(string(c)).Set(1)
	}
	for _, result := range []string{receiptDelivered, receiptFailed, receiptUnderWay, receiptUnknown, receiptRefused, receiptMalformed} {
		m.receipts.WithLabelValues(result)
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.attempts, m.uncertain, m.waited, m.waiting, m.up, m.receipts} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
