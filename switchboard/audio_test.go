package switchboard

import (
	"reflect"
	"testing"

	"telefonist/call"
	"telefonist/record"
)

func TestRecordTellsOfTheAudioOfEachLegThatHadAny(t *testing.T) {
	b := &Board{cfg: Config{Report: func(leg call.LegID) (record.Media, bool) {
		switch leg {
		case "rang":
			return record.Media{Leg: leg, Codec: "none"}, true
		case "gone":
			return record.Media{}, false
		}
		return record.Media{Leg: leg, Codec: "PCMA", Received: 1}, true
	}}}
	l := &live{parts: []part{{"a", "caller"}, {"rang", "agent"}, {"gone", "agent"}, {"b", "agent"}, {"c", "target"}}}
	var got []string
	for _, m := range b.audio(l) {
		got = append(got, string(m.Leg)+" "+m.Role)
	}
	if want := []string{"a caller", "b agent", "c target"}; !reflect.DeepEqual(got, want) {
		t.Errorf("audio of %v, want %v", got, want)
	}
	if (&Board{}).audio(l) != nil {
		t.Error("audio without anybody to ask")
	}
}
