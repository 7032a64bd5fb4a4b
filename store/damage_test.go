package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"telefonist/call"
	"telefonist/record"
)

// A power cut leaves each page of the last transaction old, new, zero or half-written. This image is what the file held
// before that transaction, and after it.
type cut struct {
	page          int
	before, after []byte // of the used part of the file; before is as long as after
	pages         []int  // that the transaction wrote, without the two meta pages
	meta          int    // the meta page that it wrote
	earlier       []call.ID
	last          call.ID
}

func newCut(t *testing.T) (*cut, string) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	for n := range 60 {
		mustCommit(t, s, headOf(n), entries(n, 1, 3))
		if n < 50 {
			mustCommit(t, s, finalOf(n))
		}
	}
	s.PutRegistration("anna", []byte("sip:anna@192.0.2.1"))
	mustCommit(t, s, heartbeat(55, 5e9))
	path := filepath.Join(dir, callsFile)
	c := &cut{page: s.calls.Info().PageSize, earlier: all(t, s, Filter{}), last: id(50), meta: -1}
	before := read(t, path)
	mustCommit(t, s, finalOf(50))
	checkAndClose(t, s)
	after := read(t, path)
	size := len(bytes.TrimRight(after, "\x00"))
	size = (size/c.page + 1) * c.page
	c.before, c.after = make([]byte, size), after[:size]
	copy(c.before, before)
	for p := range size / c.page {
		switch {
		case bytes.Equal(c.at(c.before, p), c.at(c.after, p)):
		case p < 2:
			c.meta = p
		default:
			c.pages = append(c.pages, p)
		}
	}
	if c.meta < 0 || len(c.pages) < 4 {
		t.Fatalf("the last transaction wrote meta page %d and pages %v", c.meta, c.pages)
	}
	return c, dir
}

func (c *cut) at(image []byte, p int) []byte { return image[p*c.page : (p+1)*c.page] }

// Ways a page can come out.
var ways = []string{"old", "new", "zero", "new half, then old", "old half, then new", "new half, then zero"}

func (c *cut) damage(image []byte, p int, way string) {
	before, after, dst, half := c.at(c.before, p), c.at(c.after, p), c.at(image, p), c.page/2
	switch way {
	case "old":
		copy(dst, before)
	case "new":
		copy(dst, after)
	case "zero":
		clear(dst)
	case "new half, then old":
		copy(dst[:half], after)
		copy(dst[half:], before[half:])
	case "old half, then new":
		copy(dst[:half], before)
		copy(dst[half:], after[half:])
	case "new half, then zero":
		copy(dst[:half], after)
		clear(dst[half:])
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// start opens the store with calls.db holding the image, and fails unless every earlier record is there. It returns
// what Open said.
func (c *cut) start(t *testing.T, dir string, image []byte, name string) (hasLast bool, err error) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, callsFile), image, fileMode); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Options{Logger: quiet(), MmapSize: 1 << 20})
	if err != nil {
		wantErr(t, err, ErrDamaged)
		return false, err
	}
	defer s.Close()
	for _, earlier := range c.earlier {
		if _, err := s.Call(earlier); err != nil {
			t.Errorf("%s: opened without a word, but %v", name, err)
		}
	}
	live, err := s.Recover()
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	_, err = s.Call(c.last)
	if hasLast = err == nil; len(live) != 10 && !hasLast || len(live) != 9 && hasLast {
		t.Errorf("%s: %d calls in the journal, the last one ended: %v", name, len(live), hasLast)
	}
	for _, o := range live {
		r := record.Interrupted(o)
		mustCommit(t, s, record.Commit{Call: r.Call, Final: &r})
	}
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("%s: after going on: %v", name, err)
	}
	return hasLast, nil
}

// A power cut before the pages were synced: the meta page is old, whatever came of the others.
func TestPowerCutWhilePagesAreWritten(t *testing.T) {
	t.Parallel()
	c, dir := newCut(t)
	seed := rand.Uint64()
	t.Logf("pages %v, seed %d", c.pages, seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for round := range 30 {
		image := bytes.Clone(c.before)
		for i, p := range c.pages {
			way := ways[rnd.IntN(len(ways))]
			if round < len(ways) {
				way = ways[round]
			} else if i == 0 {
				way = ways[round%len(ways)]
			}
			c.damage(image, p, way)
		}
		name := fmt.Sprintf("round %d", round)
		if hasLast, err := c.start(t, dir, image, name); err != nil || hasLast {
			t.Errorf("%s: has the last record: %v, error %v", name, hasLast, err)
		}
	}
}

// A power cut while the meta page was written: the transaction is there or it is not.
func TestPowerCutWhileMetaPageIsWritten(t *testing.T) {
	t.Parallel()
	c, dir := newCut(t)
	for _, way := range ways {
		image := bytes.Clone(c.after)
		c.damage(image, c.meta, way)
		hasLast, err := c.start(t, dir, image, way)
		if want := way == "new" || way == "new half, then old" || way == "new half, then zero"; err != nil || hasLast != want {
			t.Errorf("%s: has the last record: %v, error %v", way, hasLast, err)
		}
	}
}

// A disk that lied about syncing: the meta page names pages that are not what was written. The store keeps every earlier
// record, or says that it is damaged; it never panics, and never loses one in silence.
func TestLyingDiskIsToldOf(t *testing.T) {
	t.Parallel()
	c, dir := newCut(t)
	refused := 0
	for _, p := range c.pages {
		for _, way := range ways {
			image := bytes.Clone(c.after)
			c.damage(image, p, way)
			if bytes.Equal(image, c.after) {
				continue
			}
			_, err := c.start(t, dir, image, fmt.Sprintf("page %d %s", p, way))
			if err != nil {
				refused++
				t.Logf("page %d %s: %v", p, way, err)
			}
		}
	}
	if refused == 0 {
		t.Error("nothing was found")
	}
}

func TestFilesThatAreNoStoreAreRefused(t *testing.T) {
	t.Parallel()
	c, dir := newCut(t)
	noise := make([]byte, len(c.after))
	for i := range noise {
		noise[i] = byte(i * 7)
	}
	noMeta := bytes.Clone(c.after)
	clear(noMeta[:2*c.page])
	for name, image := range map[string][]byte{
		"noise": noise, "no meta": noMeta, "short": c.after[:len(c.after)/2], "one page": c.after[:c.page],
		"text": []byte("not a database\n"), "three pages": c.after[:3*c.page],
	} {
		if _, err := c.start(t, dir, image, name); err == nil {
			t.Errorf("%s: was opened", name)
		}
		if s, err := OpenReadOnly(dir, Options{Logger: quiet()}); err == nil {
			s.Close()
			t.Errorf("%s: was opened read-only", name)
		} else {
			wantErr(t, err, ErrDamaged)
		}
	}
}
