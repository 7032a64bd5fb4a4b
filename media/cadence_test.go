package media

import (
	"testing"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// TestSignalTonesKeepTheSwedishCadence reads what is sent: 425 Hz, ringback 1 s on and 5 s off, busy a quarter of a second each
// (ITU-T E.180 supplement 2), over three periods of the loop.
func TestSignalTonesKeepTheSwedishCadence(t *testing.T) {
	lib, err := loadBuiltins()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		source  string
		on, off int // ms
	}{{call.SourceRingback, 1000, 5000}, {call.SourceBusy, 250, 250}} {
		period, frame := tc.on+tc.off, 10 // ms
		crossings, before := 0, int16(0)
		audio := lib[tc.source].encoded(negotiate.PCMA)
		if len(audio)%(8*period) != 0 {
			t.Fatalf("%s: %d samples are no whole periods, so that the loop stumbles", tc.source, len(audio))
		}
		for at := 0; at < 3*period; at += frame {
			loudest, from := int16(0), 8*at%len(audio)
			for _, a := range audio[from : from+8*frame] {
				v := decode(a, negotiate.PCMA)
				loudest = max(loudest, v, -v)
				if at%period < tc.on && (v < 0) != (before < 0) {
					crossings++
				}
				before = v
			}
			if loud := loudest > 1000; loud != (at%period < tc.on) {
				t.Fatalf("%s: loudest sample %d after %d ms", tc.source, loudest, at)
			}
		}
		// Two crossings a period of the tone; what lies around the beginnings and ends is not counted exactly.
		if hz := crossings * 500 / (3 * tc.on); hz < 420 || hz > 430 {
			t.Errorf("%s: %d Hz", tc.source, hz)
		}
	}
}
