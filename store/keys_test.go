package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
	if err := os.WriteFile(second, []byte(`{"keys":[]}`), 0o600); err != nil { // who writes this begins anew
		t.Fatal(err)
	}
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

// Restoring the key file as the answers say costs no code: neither one that was written while the file was missing, nor one that was
// written with a key that the restored file does not have.
func TestRestoringTheKeyFileCostsNoCode(t *testing.T) {
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "keys")
	reopen := func() *Store { t.Helper(); return open(t, dir, Options{KeyFile: path}) }
	s := reopen()
	mustEdit(t, s, "acme", edit(directory.KindOffice, "hq", []byte(`{"name":"HQ"}`), directory.NoVersion))
	mustEdit(t, s, "other", edit(directory.KindOffice, "hq", []byte(`{"name":"HQ"}`), directory.NoVersion))
	put := func(tenant, id string, want error) {
		t.Helper()
		_, err := s.PutDoorCode(tenant, "hq", id, "x", "4711", received, directory.NoVersion, tester, received)
		wantErr(t, err, want)
	}
	shows := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			tenant, code, _ := strings.Cut(id, "/")
			if got, err := s.ShowDoorCode(tenant, "hq", code, tester, received.Add(-1)); got != "4711" || err != nil {
				t.Errorf("%s: %q, %v", id, got, err)
			}
		}
	}
	put("acme", "front", nil)
	checkAndClose(t, s)
	backup, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	restore := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s = reopen()
	put("other", "back", directory.ErrKeysMissing)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatalf("a file was made: %v", err)
	}
	restore(backup)
	put("other", "back", nil)
	shows("acme/front", "other/back")
	checkAndClose(t, s)

	restore([]byte(`{"keys":[]}`)) // begun anew, and the backup found after all
	s = reopen()
	put("other", "side", nil)
	restore(backup)
	shows("other/side", "other/back", "acme/front")
	checkAndClose(t, s)
	s = reopen()
	shows("acme/front", "other/back", "other/side")

	restore(backup) // and nobody looks at a code before the end
	checkAndClose(t, s)
	s = reopen()
	shows("acme/front", "other/back", "other/side")
	checkAndClose(t, s)
}

func TestACodeThatWaitsForItsTurnOpensAfterARotationThatForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir(), Options{KeyFile: filepath.Join(t.TempDir(), "keys")})
		mustEdit(t, s, "acme", edit(directory.KindOffice, "hq", []byte(`{"name":"HQ"}`), directory.NoVersion))
		put := func(id string) error {
			_, err := s.PutDoorCode("acme", "hq", id, "Entré", "code "+id, time.Time{}, directory.NoVersion, tester, received)
			return err
		}
		if err := put("1"); err != nil {
			t.Fatal(err)
		}
		written, rotated := make(chan error, 1), make(chan error, 1)
		s.gate <- struct{}{} // somebody writes
		go func() { written <- put("2") }()
		synctest.Wait()
		go func() {
			_, err := s.RotateKeys(true, received)
			rotated <- err
		}()
		synctest.Wait()
		<-s.gate
		if err := errors.Join(<-written, <-rotated); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"1", "2"} {
			if code, err := s.ShowDoorCode("acme", "hq", id, tester, received); err != nil || code != "code "+id {
				t.Errorf("%q, %v", code, err)
			}
		}
	})
}
