package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
)

// newer is a schema with two steps behind the one of today.
func newer(second func(*bbolt.Tx) error) []migration {
	return append(slices.Clone(callsSchema),
		migration{"extra bucket", createBuckets([]byte("extra"))},
		migration{"second", second})
}

func TestOldStoreIsMigratedStepByStep(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, callsFile)
	s := open(t, dir, Options{})
	mustCommit(t, s, finalOf(1), headOf(2))
	checkAndClose(t, s)

	boom := errors.New("boom")
	_, err := Open(dir, Options{Logger: quiet(), callsList: newer(func(tx *bbolt.Tx) error {
		if err := tx.DeleteBucket(bucketRecords); err != nil {
			t.Error(err)
		}
		return boom
	})})
	wantErr(t, err, boom)

	db, err := openBolt(path, boltOptions(defaultLockTimeout, 0, 0, false), quiet())
	if err != nil {
		t.Fatal(err)
	}
	if v, err := schemaVersion(db); v != len(callsSchema)+1 || err != nil {
		t.Errorf("schema %d, %v after the second new step failed, want %d", v, err, len(callsSchema)+1)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, dir, Options{callsList: newer(createBuckets([]byte("more")))})
	if _, err := s.Call(id(1)); err != nil {
		t.Error(err)
	}
	if n, err := s.Live(); n != 1 || err != nil {
		t.Errorf("Live() = %d, %v", n, err)
	}
	checkAndClose(t, s)

	// Today's version refuses what a later one wrote, and says what to do.
	_, err = Open(dir, Options{Logger: quiet()})
	wantErr(t, err, ErrNewerSchema)
	_, err = OpenReadOnly(dir, Options{Logger: quiet()})
	wantErr(t, err, ErrNewerSchema)

	// The backup is the store as it was.
	if err := os.Rename(fmt.Sprintf("%s.schema%d.backup", path, len(callsSchema)), path); err != nil {
		t.Fatal(err)
	}
	_, err = OpenReadOnly(dir, Options{Logger: quiet(), callsList: newer(nil)})
	wantErr(t, err, ErrOlderSchema)
	s = open(t, dir, Options{})
	if got := all(t, s, Filter{}); !slices.Equal(got, ids(1)) {
		t.Errorf("the backup holds %v", got)
	}
}

func TestStoreIsCreatedForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	_, err := OpenReadOnly(dir, Options{})
	wantErr(t, err, ErrNoStore)
	open(t, dir, Options{})
	for name, want := range map[string]os.FileMode{"": dirMode, callsFile: fileMode, directoryFile: fileMode} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %o, want %o", name, got, want)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
}

func TestRegistrationsAreKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	s.PutRegistration("anna", []byte("one"))
	s.PutRegistration("bo", []byte{})
	s.PutRegistration("carl", []byte("gone"))
	s.PutRegistration("anna", []byte("two"))
	s.DeleteRegistration("carl")
	s.DeleteRegistration("never")
	s.PutRegistration("", []byte("no key"))
	checkAndClose(t, s)
	s = open(t, dir, Options{})
	key := []byte("broken")
	put(t, s, bucketRegistrations, key, []byte("broken"))
	got, err := s.Registrations()
	if err != nil || len(got) != 2 || string(got["anna"]) != "two" || got["bo"] == nil {
		t.Errorf("got %q, %v", got, err)
	}
	s.DeleteRegistration("broken")
	mustCommit(t, s, headOf(1)) // behind it
}

func TestProvisioningStateIsKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	acme := Provisioned{Key: "tenant/acme", Generation: 1, Doc: []byte(`{"fields":["name"]}`)}
	anna := Provisioned{Key: "agent/anna", Generation: 1}
	if err := s.PutProvisioned(acme, anna); err != nil {
		t.Fatal(err)
	}
	anna.Generation, anna.Disabled = 2, true
	if err := s.PutProvisioned(anna); err != nil {
		t.Fatal(err)
	}
	wantErr(t, s.PutProvisioned(Provisioned{Key: "agent/bo"}, Provisioned{}), ErrInvalid)
	checkAndClose(t, s)
	got, err := open(t, dir, Options{}).Provisioned()
	if err != nil || !equalJSON(t, got, []Provisioned{anna, acme}) || got[0].Key != anna.Key {
		t.Errorf("got %+v, %v", got, err)
	}
}
