package store

import (
	"encoding/json"
	"testing"

	"telefonist/record"
)

func TestWhatIsKeptBesideCallsIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	state := func(id, doc string) record.Kept {
		k := record.Kept{Kind: record.KeptAgent, ID: id}
		if doc != "" {
			k.Doc = json.RawMessage(doc)
		}
		return k
	}
	mustCommit(t, s, record.Commit{Kept: []record.Kept{state("anna", `{"logged_out":true}`), state("bo", `{"paused":"lunch"}`)}})
	mustCommit(t, s, record.Commit{Kept: []record.Kept{state("anna", ""), {Kind: record.KeptWish, ID: "w", Doc: json.RawMessage(`{}`)}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	got, err := s.Kept(record.KeptAgent)
	if err != nil || len(got) != 1 || got[0].ID != "bo" || string(got[0].Doc) != `{"paused":"lunch"}` {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := s.Kept(record.KeptWish); err != nil || len(got) != 1 || got[0].ID != "w" {
		t.Errorf("wishes %v, %v", got, err)
	}
	for _, bad := range []record.Kept{{}, {Kind: "else", ID: "x"}, {Kind: record.KeptAgent}, {Kind: record.KeptAgent, ID: "x", Doc: json.RawMessage("{")}} {
		if err := commit(t, s, record.Commit{Kept: []record.Kept{bad}}); err == nil {
			t.Errorf("%+v is kept", bad)
		}
	}
	checkAndClose(t, s)
}
