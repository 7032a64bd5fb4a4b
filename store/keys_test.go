package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"telefonist/directory"
)

// A key that is lost costs the codes that it sealed and nothing else: rotation names them and makes no key that the restored file would
// not have, a look that shows nothing is not kept, and a file that is restored is read without a restart.
func TestALostKeyStopsRotationUntilItsFileIsRestored(t *testing.T) {
	dir, first := t.TempDir(), filepath.Join(t.TempDir(), "first")
	s := open(t, dir, Options{KeyFile: first})
	for _, tenant := range []string{"acme", "other"} {
		mustEdit(t, s, tenant, edit(directory.KindOffice, "hq", []byte(`{"name":"HQ"}`), directory.NoVersion))
	}
	put := func(tenant, id string) {
		t.Helper()
		if _, err := s.PutDoorCode(tenant, "hq", id, "x", "4711", received, directory.NoVersion, tester, received); err != nil {
			t.Fatal(err)
		}
	}
	put("acme", "front")
	checkAndClose(t, s)

	second := filepath.Join(t.TempDir(), "second")
	s = open(t, dir, Options{KeyFile: second})
	put("other", "back") // sealed with a key that the first file does not have
	before, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.RotateKeys(true, received)
	wantErr(t, err, directory.ErrUnopened)
	if !strings.Contains(err.Error(), "acme hq/front") || strings.Contains(err.Error(), "other hq/back") {
		t.Errorf("it does not name the codes: %v", err)
	}
	if after, err := os.ReadFile(second); err != nil || string(after) != string(before) {
		t.Errorf("the key file was changed: %s, %v", after, err)
	}
	show := func(tenant, id string, want error) {
		t.Helper()
		code, err := s.ShowDoorCode(tenant, "hq", id, tester, received.Add(-1))
		if wantErr(t, err, want); want == nil && code != "4711" {
			t.Errorf("%s %s: %q", tenant, id, code)
		}
	}
	show("acme", "front", directory.ErrLostKey)
	if h, err := s.History("acme", directory.KindDoorCode, "hq/front"); err != nil || len(h) != 1 {
		t.Errorf("a look that showed nothing is kept: %+v, %v", h, err)
	}

	restored, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(second, restored, 0o600); err != nil { // over the newer one, while the store is open
		t.Fatal(err)
	}
	show("acme", "front", nil)
	if n, err := s.RotateKeys(true, received); n != 2 || err != nil {
		t.Errorf("rotated %d, %v", n, err)
	}
	checkAndClose(t, s)
	s = open(t, dir, Options{KeyFile: second})
	show("acme", "front", nil)
	show("other", "back", nil)
	checkAndClose(t, s)
}
