package media

import (
	"time"

	"telefonist/media/negotiate"
	"telefonist/record"
)

// hearing is what one end of a stream has heard of it.
type hearing struct {
	known  bool
	loss   float64 // share of the packets, 0 to 1
	jitter time.Duration
}

// impairment is what a codec itself and the loss of packets cost (ITU-T G.113 appendix I): the equipment impairment factor
// Ie and the robustness to loss Bpl. Listeners are taken to conceal loss.
type impairment struct{ ie, bpl float64 }

// impairmentOf is that of a codec by its name. G.722 counts as G.711, as the scale is that of narrowband telephony; what is
// not known counts as G.729A.
func impairmentOf(codec string) impairment {
	switch codec {
	case "PCMA", "PCMU", "G722", "opus":
		return impairment{0, 25.1}
	case "GSM":
		return impairment{20, 43}
	}
	return impairment{11, 19}
}

// mos estimates how a stream is judged from 1 (bad) to 4.5 by the E-model of ITU-T G.107, simplified: everything that
// packets do not show is at its default, so that the rating is 93.2 less the impairments of delay and of loss (burstiness
// 1). The delay is half the round trip, a packet's length, and a jitter buffer of twice the jitter.
func mos(h hearing, roundTrip time.Duration, codec string) float64 {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	delay := ms(roundTrip)/2 + 20 + 2*ms(h.jitter)
	id := 0.024 * delay
	if delay > 177.3 {
		id += 0.11 * (delay - 177.3)
	}
	i := impairmentOf(codec)
	percent := 100 * h.loss
	r := 93.2 - id - i.ie - (95-i.ie)*percent/(percent+i.bpl)
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6) // G.107 annex B
}

// quality is what is known of a leg's stream. It is taken when somebody asks and when the leg is closed.
type quality struct {
	in, out   hearing // what we heard of the far side, and what it says it heard of us
	roundTrip time.Duration
	remoteMOS float64 // what the far side says in RTCP XR; 0 for nothing
}

// quality looks at what has been counted.
func (l *leg) quality() quality {
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	r := &l.in.report
	q := quality{out: r.out, roundTrip: r.roundTrip, remoteMOS: r.remoteMOS}
	received, lost := l.counts.received.Load(), l.counts.lost.Load()
	if received > 0 {
		q.in = hearing{known: true, loss: float64(lost) / float64(received+lost), jitter: r.meanJitter()}
	}
	return q
}

// report is the leg's part of a call's record.
func (l *leg) report() record.Media {
	i, q := l.info(), l.quality()
	m := record.Media{
		Leg: l.id, Codec: i.Codec, Converted: i.Converted, Protection: i.Protection,
		Received: i.Received, Sent: i.Sent, Lost: i.Lost, Dropped: i.Dropped,
		RoundTripMS: milliseconds(q.roundTrip),
	}
	if q.in.known {
		m.LossPercent, m.JitterMS, m.MOS = 100*q.in.loss, milliseconds(q.in.jitter), mos(q.in, q.roundTrip, i.Codec)
	}
	if q.out.known {
		m.FarLossPercent, m.FarJitterMS, m.FarMOS = 100*q.out.loss, milliseconds(q.out.jitter), mos(q.out, q.roundTrip, i.Codec)
	}
	if q.remoteMOS > 0 {
		m.FarMOS = q.remoteMOS // the far side knows its own delays better
	}
	m.Round()
	return m
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// codec is the name of what the leg speaks: what is passed through where that was what came last, else what we make ourselves.
func (l *leg) codec() string {
	m := l.media.Load()
	l.in.mu.Lock()
	spoken := l.in.spoken
	l.in.mu.Unlock()
	if _, passed := spoken.Passed(); passed && m.Name(spoken) != "" {
		return m.Name(spoken)
	}
	if m.Codec != negotiate.NoCodec {
		return m.Codec.String()
	}
	return m.Name(m.First)
}
