package billing

import (
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/record"
)

func TestEveryKindOfAStoryHasAText(t *testing.T) {
	for _, k := range call.Kinds {
		if storyTexts[k] == "" {
			t.Errorf("%s has no text", k)
		}
		full := detail(call.Entry{Kind: k, Agent: "anna", Number: "205", To: "bo", Reason: "busy", Code: 486})
		bare := detail(call.Entry{Kind: k})
		if full == "" || strings.ContainsAny(full+bare, "{}[]") {
			t.Errorf("%s reads %q and %q", k, full, bare)
		}
	}
	if len(storyTexts) != len(call.Kinds) {
		t.Errorf("%d texts for %d kinds", len(storyTexts), len(call.Kinds))
	}
}

func TestAStoryReadsAsWhatHappened(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	r := record.Record{Story: []call.Entry{
		{Wall: at, Kind: call.KindArrived},
		{Wall: at.Add(time.Second), Since: time.Second, Kind: call.KindOffered, Agent: "anna"},
		{Wall: at.Add(16 * time.Second), Since: 16 * time.Second, Kind: call.KindMissed, Agent: "anna", Reason: "no answer", Code: 408},
		{Wall: at.Add(17 * time.Second), Since: 17 * time.Second, Kind: call.KindTransfer, Agent: "bo", Number: "205"},
		{Wall: at.Add(18 * time.Second), Since: 18 * time.Second, Kind: "of tomorrow", Agent: "bo", Code: 3},
		{Wall: at.Add(19 * time.Second), Since: 19 * time.Second, Kind: call.KindGranted, Agent: "bo", Reason: "1m0s", By: "token:Tavla"},
	}}
	var b strings.Builder
	if err := WriteStory(&b, r); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"0.000s 09:00:00.000 arrived the call came in",
		"1.000s 09:00:01.000 offered the phone of anna is called",
		"16.000s 09:00:16.000 missed anna did not take it: no answer (408)",
		"17.000s 09:00:17.000 connecting bo connects the caller directly with 205",
		"18.000s 09:00:18.000 of tomorrow bo 3",
		"19.000s 09:00:19.000 granted a supervisor granted more time: 1m0s, by token:Tavla",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}
