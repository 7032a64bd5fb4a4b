package record

import (
	"math"

	"telefonist/call"
)

// Media is what is known of the audio of one leg of a call: what was agreed on and how well it went. It is measured, not
// rated: no row depends on it, and a call that was interrupted has none.
type Media struct {
	Leg call.LegID `json:"leg"`
	// Role is "caller", "agent" or "target".
	Role string `json:"role,omitempty"`
	// Codec is the encoding name of RFC 3551 or RFC 4855. Converted is set where the leg heard somebody who spoke another.
	Codec     string `json:"codec"`
	Converted bool   `json:"converted,omitempty"`
	// Protection is the crypto suite of SRTP (RFC 4568), empty for plain RTP.
	Protection string `json:"protection,omitempty"`
	// Received, Sent, Lost and Dropped count RTP packets.
	Received uint64 `json:"received"`
	Sent     uint64 `json:"sent"`
	Lost     uint64 `json:"lost"`
	Dropped  uint64 `json:"dropped,omitempty"`
	// LossPercent, JitterMS (RFC 3550 appendix A.8, the mean) and MOS (ITU-T G.107, 1 to 4.5) are about what came from the
	// far side; zero MOS: nothing came.
	LossPercent float64 `json:"loss_percent"`
	JitterMS    float64 `json:"jitter_ms"`
	MOS         float64 `json:"mos,omitempty"`
	// The same about what the far side says it heard, where it says so by RTCP.
	FarLossPercent float64 `json:"far_loss_percent,omitempty"`
	FarJitterMS    float64 `json:"far_jitter_ms,omitempty"`
	FarMOS         float64 `json:"far_mos,omitempty"`
	// RoundTripMS is the way there and back, zero where it is not known.
	RoundTripMS float64 `json:"round_trip_ms,omitempty"`
}

// Round leaves as many digits as mean something: two.
func (m *Media) Round() {
	for _, v := range []*float64{&m.LossPercent, &m.JitterMS, &m.MOS, &m.FarLossPercent, &m.FarJitterMS, &m.FarMOS, &m.RoundTripMS} {
		*v = math.Round(*v*100) / 100
	}
}
