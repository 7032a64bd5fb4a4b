package app

import (
	"io"
	"log/slog"
	"sync"
	"testing"

	"telefonist/directory"
	"telefonist/store"
)

// TestASwitchThatIsNotKeptIsSaidSo: with a store that is closed none is, however many are asked for at once.
func TestASwitchThatIsNotKeptIsSaidSo(t *testing.T) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := store.Open(t.TempDir(), store.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	a := &App{store: s, log: log, parts: parts{log: log}}
	away := a.startAway()
	var all sync.WaitGroup
	for range 300 {
		all.Add(1)
		away("acme", directory.Switch{Away: true}, "agent:olle", func(err error) {
			if err == nil {
				t.Error("a switch that was not kept is confirmed")
			}
			all.Done()
		})
	}
	all.Wait()
	if err := a.parts.stop(t.Context()); err != nil {
		t.Error(err)
	}
}
