package sip

import "github.com/prometheus/client_golang/prometheus"

// Reasons of telefonist_sip_invites_refused_total. A closed set: each is present at zero.
const (
	refusedMailbox  = "mailbox"  // the switchboard takes no more
	refusedDraining = "draining" // the service stops, or has not begun
	refusedMerged   = "merged"   // the same request came by two ways (482)
	refusedInvalid  = "invalid"  // no Contact, an extension or a body that we do not take, too many hops
	refusedStranger = "stranger" // from an unknown source
)

var refusedReasons = []string{refusedMailbox, refusedDraining, refusedMerged, refusedInvalid, refusedStranger}

// Results of telefonist_sip_left_total.
const (
	leftEnded  = "ended"  // BYE answered
	leftFailed = "failed" // no answer, or it could not be sent
)

type metrics struct {
	legs    *prometheus.GaugeVec
	refused *prometheus.CounterVec
	left    *prometheus.CounterVec
	strays  prometheus.Counter
	noACK   prometheus.Counter
	expired prometheus.Counter
	unknown *prometheus.CounterVec
	panics  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		legs: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "telefonist_sip_legs",
			Help: "SIP legs that have not ended, by who placed the call.",
		}, []string{"direction"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telefonist_sip_invites_refused_total",
			Help: "INVITEs outside a dialog that were refused before the switchboard heard of them, by reason.",
		}, []string{"reason"}),
		left: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telefonist_sip_left_total",
			Help: "Dialogs left by a crash that were sent BYE at the start, by result.",
		}, []string{"result"}),
		strays: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telefonist_sip_stray_answers_total",
			Help: "2xx responses to INVITEs of an earlier life, acknowledged and ended.",
		}),
		noACK: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telefonist_sip_no_ack_total",
			Help: "2xx responses of ours that were never acknowledged.",
		}),
		expired: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telefonist_sip_sessions_expired_total",
			Help: "Legs ended since their session timer ran out or a refresh failed.",
		}),
		unknown: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telefonist_sip_unknown_source_total",
			Help: "Requests from sources that are neither a trunk nor a registered phone, by what was done.",
		}, []string{"action"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "telefonist_sip_leg_panics_total",
			Help: "Faults of ours that ended one leg.",
		}),
	}
	for _, d := range []direction{incomingLeg, outgoingLeg} {
		m.legs.WithLabelValues(string(d))
	}
	for _, r := range refusedReasons {
		m.refused.WithLabelValues(r)
	}
	for _, a := range []string{string(DropUnknown), string(AnswerUnknown)} {
		m.unknown.WithLabelValues(a)
	}
	m.left.WithLabelValues(leftEnded)
	m.left.WithLabelValues(leftFailed)
	for _, c := range []prometheus.Collector{m.legs, m.refused, m.left, m.strays, m.noACK, m.expired, m.unknown, m.panics} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
