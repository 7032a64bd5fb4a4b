package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"telefonist/directory"
)

func TestChoicesAreRememberedFadeAndAreBounded(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	const caller = "+46701112233"
	choose := func(tenant, id, caller string, at time.Time) {
		t.Helper()
		if err := s.Choose(tenant, id, caller, at); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		choose("acme", "person:a", caller, received)
	}
	choose("acme", "person:b", "", received.AddDate(0, 0, 14))
	choose("other", "person:a", caller, received)
	checkAndClose(t, s)
	s = open(t, dir, Options{})
	count := func(tenant, caller, id string) float64 {
		t.Helper()
		all, err := s.Choices(tenant, caller)
		if err != nil {
			t.Fatal(err)
		}
		return all[id].AsOf(received.AddDate(0, 0, 14))
	}
	if a, b, own, others := count("acme", "", "person:a"), count("acme", "", "person:b"), count("acme", caller, "person:a"), count("other", "", "person:a"); a != 1.5 || b != 1 || own != 1.5 || others != 0.5 {
		t.Errorf("a %v, b %v, the caller's %v, another tenant's %v", a, b, own, others)
	}
	if count("acme", "+46700000000", "person:a") != 0 || count("nobody", "", "person:a") != 0 {
		t.Error("choices of nobody")
	}
	for n := range 2 * maxChosen {
		choose("acme", fmt.Sprint("person:x", n), "", received.AddDate(0, 0, 14))
	}
	if all, err := s.Choices("acme", ""); err != nil || len(all) > maxChosen || all["person:a"].Count == 0 {
		t.Errorf("%d are remembered, %v", len(all), err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, directoryFile)); err != nil || bytes.Contains(text, []byte("701112233")) {
		t.Errorf("the caller's number is in the file, %v", err)
	}
}

func TestAnErasedPersonIsNoChoice(t *testing.T) {
	s := zebraStore(t, t.TempDir())
	for _, c := range [][2]string{{"person:a", ""}, {"person:b", zebraMobile}, {"person:a", "+46700000001"}, {"person:b", "+46700000001"}} {
		if err := s.Choose("acme", c[0], c[1], received); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Erase(t.Context(), "acme", "a", received, directory.Erase{By: tester}); err != nil {
		t.Fatal(err)
	}
	for caller, want := range map[string]int{"": 1, zebraMobile: 0, "+46700000001": 1} {
		if all, err := s.Choices("acme", caller); err != nil || len(all) != want || all["person:a"].Count != 0 {
			t.Errorf("%q: %v, %v", caller, all, err)
		}
	}
}
