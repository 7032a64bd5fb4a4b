package store

import (
	"errors"
	"testing"
	"time"

	"telefonist/directory"
)

func TestASwitchIsKeptWithWhoSetItAndWhen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	until := received.Add(time.Hour)
	got, err := s.PutSwitch("acme", directory.Switch{Away: true, Until: until}, tester, received)
	want := directory.Switch{Away: true, Until: until.UTC(), At: received.UTC(), By: tester}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := s.PutSwitch("beta", directory.Switch{Away: true}, tester, received); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutSwitch("beta", directory.Switch{}, tester, received.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	mustEdit(t, s, "gamma", edit(directory.KindPerson, "p1", person("Ek", ""), directory.NoVersion))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	all, err := s.Switches()
	if err != nil || len(all) != 2 || all["acme"] != want || all["beta"].Away || !all["beta"].At.Equal(received.Add(time.Minute)) {
		t.Fatalf("after a restart: %+v, %v", all, err)
	}
	history, err := s.History("beta", directory.KindSwitch, directory.SwitchAway)
	if err != nil || len(history) != 2 || history[0].By != tester || string(history[0].New) != `{"away":true}` || string(history[1].New) != `{"away":false}` {
		t.Errorf("the history is %+v, %v", history, err)
	}
}

func TestASwitchThatHasEndedAlreadyIsRefused(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for _, sw := range []directory.Switch{{Away: true, Until: received}, {Until: received.Add(time.Hour)}, {Away: true, Until: received.AddDate(2, 0, 0)}} {
		_, err := s.PutSwitch("acme", sw, tester, received)
		var wrong directory.Problems
		if !errors.As(err, &wrong) || len(wrong) != 1 || wrong[0].Field != "until" {
			t.Errorf("%+v: %v", sw, err)
		}
	}
	if all, err := s.Switches(); err != nil || len(all) != 0 {
		t.Errorf("kept %+v, %v", all, err)
	}
}
