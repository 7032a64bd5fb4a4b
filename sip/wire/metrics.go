package wire

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Reasons of telefonist_sip_refused_total. A closed set: each is present at zero.
const (
	refusedMalformed   = "malformed"             // syntax, missing or repeated headers, CSeq mismatch
	refusedControl     = "control_byte"          // NUL, bare CR or LF, other control byte in a header
	refusedLength      = "content_length"        // wrong, repeated or missing Content-Length
	refusedVersion     = "version"               // not SIP/2.0
	refusedScheme      = "uri_scheme"            // Request-URI neither sip, sips nor tel
	refusedMethod      = "method"                // a known method in lower case
	refusedSize        = "size"                  // larger than MaxMessage
	refusedGarbage     = "garbage"               // not SIP at all
	refusedRate        = "rate"                  // a stranger over its rate
	refusedDrop        = "dropped"               // Admit said drop
	refusedAnswer      = "answered"              // Admit said answer
	refusedOverload    = "overload"              // MaxTransactions reached
	refusedBacklog     = "backlog"               // too many messages of one Call-ID waiting
	refusedStray       = "stray_response"        // a response that nothing waits for
	refusedSource      = "response_source"       // a response from another address than the request went to
	refusedCancel      = "stray_cancel"          // CANCEL that matches no INVITE
	refusedAmplify     = "larger_than_request"   // stateless answer not sent since larger than its request
	refusedNoFlow      = "connection_gone"       // response whose connection is closed
	refusedConnLimit   = "connection_limit"      // TCP connection over MaxConns
	refusedConnSource  = "connection_per_source" // TCP connection over MaxConnsPerSource
	refusedConnTimeout = "connection_timeout"    // TCP connection too slow or idle
	refusedUnanswered  = "unanswered"            // a non-INVITE request that the handler never answered
	refusedUnsafe      = "unsafe_outgoing"       // an outgoing message with a control byte in a header
)

var refusedReasons = []string{
	refusedMalformed, refusedControl, refusedLength, refusedVersion, refusedScheme, refusedMethod, refusedSize,
	refusedGarbage, refusedRate, refusedDrop, refusedAnswer, refusedOverload, refusedBacklog, refusedStray,
	refusedSource, refusedCancel, refusedAmplify, refusedNoFlow, refusedConnLimit, refusedConnSource,
	refusedConnTimeout, refusedUnanswered, refusedUnsafe,
}

var countedMethods = []string{
	"INVITE", "ACK", "CANCEL", "BYE", "REGISTER", "OPTIONS", "SUBSCRIBE", "NOTIFY", "REFER", "INFO", "MESSAGE",
	"PRACK", "UPDATE", "PUBLISH", otherMethod,
}

const otherMethod = "other"

var countedClasses = []string{"1xx", "2xx", "3xx", "4xx", "5xx", "6xx"}

const (
	directionIn  = "in"
	directionOut = "out"
)

// metrics counts messages, not transactions: retransmissions count.
type metrics struct {
	requests     *prometheus.CounterVec
	responses    *prometheus.CounterVec
	refused      *prometheus.CounterVec
	panics       prometheus.Counter
	acceptErrors prometheus.Counter
	connections  prometheus.Gauge
	transactions *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telefonist_sip_requests_total",
			Help: "SIP requests received (in) and sent (out), retransmissions included.",
		}, []string{"method", "direction"}),
		responses: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telefonist_sip_responses_total",
			Help: "SIP responses received (in) and sent (out), retransmissions included.",
		}, []string{"class", "direction"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telefonist_sip_refused_total",
			Help: "SIP messages and connections that were not let through, by reason.",
		}, []string{"reason"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telefonist_sip_panics_total",
			Help: "Panics of SIP message handlers that were caught.",
		}),
		acceptErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telefonist_sip_accept_errors_total",
			Help: "Failed accepts of SIP listeners, out of descriptors for example.",
		}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "telefonist_sip_connections",
			Help: "Open SIP stream connections.",
		}),
		transactions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "telefonist_sip_transactions",
			Help: "Open SIP transactions by side.",
		}, []string{"side"}),
	}
	for _, d := range []string{directionIn, directionOut} {
		for _, method := range countedMethods {
			m.requests.WithLabelValues(method, d)
		}
		for _, class := range countedClasses {
			m.responses.WithLabelValues(class, d)
		}
	}
	for _, reason := range refusedReasons {
		m.refused.WithLabelValues(reason)
	}
	m.transactions.WithLabelValues("client")
	m.transactions.WithLabelValues("server")
	reg.MustRegister(m.requests, m.responses, m.refused, m.panics, m.acceptErrors, m.connections, m.transactions)
	return m
}

func (m *metrics) request(method, direction string) {
	m.requests.WithLabelValues(methodLabel(method), direction).Inc()
}

func (m *metrics) response(code int, direction string) {
	if code < 100 || code > 699 {
		return
	}
	m.responses.WithLabelValues(countedClasses[code/100-1], direction).Inc()
}

func (m *metrics) refuse(reason string) { m.refused.WithLabelValues(reason).Inc() }

func methodLabel(method string) string {
	for _, m := range countedMethods {
		if m == method {
			return m
		}
	}
	return otherMethod
}
