package billing

import (
	"strings"
	"testing"

	"telefonist/record"
)

func TestStoryShowsTheAudioOfEachLeg(t *testing.T) {
	r := record.Record{Media: []record.Media{
		{Role: "caller", Codec: "PCMA", Received: 9, MOS: 4.4, LossPercent: 0.25, JitterMS: 1.26, RoundTripMS: 20.04},
		{Role: "agent", Codec: "G722", Converted: true, Protection: "AES_CM_128_HMAC_SHA1_80", Received: 9,
			FarMOS: 3.9, FarLossPercent: 5, FarJitterMS: 12},
	}}
	var b strings.Builder
	if err := WriteStory(&b, r); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"audio caller PCMA, as it came; heard 0.25 % lost, jitter 1.3 ms, MOS 4.4; round trip 20.0 ms",
		"audio agent G722, converted, SRTP AES_CM_128_HMAC_SHA1_80; far side 5.00 % lost, jitter 12.0 ms, MOS 3.9",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}
