package store

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"

	"telefonist/record"
)

// A cursor comes back from outside in a URL.
func FuzzCursor(f *testing.F) {
	f.Add(string(CursorAt(*finalOf(1).Final)), "tenant1", true)
	f.Add("", "", false)
	f.Add("AAAA", "a\x00b", false)
	s := filled(f, 9, Options{pageBatch: 2})
	f.Fuzz(func(t *testing.T, after, tenant string, newest bool) {
		n := 0
		filter := Filter{Tenant: tenant, After: Cursor(after), Newest: newest}
		err := s.Calls(t.Context(), filter, func(r record.Record) error {
			n++
			if tenant != "" && r.Tenant != tenant {
				t.Errorf("record of tenant %q", r.Tenant)
			}
			return nil
		})
		if err == nil && n > 9 {
			t.Errorf("%d of 9 records", n)
		}
	})
}

// Whatever bytes are laid over a file, verifying it ends without a panic.
func FuzzVerifyPages(f *testing.F) {
	dir := f.TempDir()
	s := open(f, dir, Options{})
	for n := range 30 {
		mustCommit(f, s, headOf(n), finalOf(n))
	}
	checkAndClose(f, s)
	whole, err := os.ReadFile(filepath.Join(dir, callsFile))
	if err != nil {
		f.Fatal(err)
	}
	whole = whole[:min(len(whole), 64*os.Getpagesize())]
	f.Add(uint32(0), []byte{})
	f.Add(uint32(4096*3+8), []byte{1, 0, 255, 255})
	f.Add(uint32(16+40), []byte{3, 0, 0, 0})
	f.Fuzz(func(t *testing.T, at uint32, over []byte) {
		image := bytes.Clone(whole)
		copy(image[int(at)%len(image):], over)
		for i := range 2 { // make the meta pages count, so that what they say is followed
			m := image[i*os.Getpagesize()+pageHeader:][:metaSize]
			sum := fnv.New64a()
			sum.Write(m[:metaSize-8])
			binary.NativeEndian.PutUint64(m[metaSize-8:], sum.Sum64())
		}
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, image, fileMode); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		_, err = verifyPages(file, os.Getpagesize())
		if err != nil {
			wantErr(t, err, ErrDamaged)
		}
		if len(over) == 0 && err != nil {
			t.Errorf("a whole file: %v", err)
		}
	})
}
