package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// keyScrub, in meta of directory.db, says that pages that are no longer used may hold what was erased. It is there from before
// something is erased until both files are clean.
var keyScrub = []byte("scrub")

const (
	// zeroPages and zeroTime bound what is done while nobody can write to a file.
	zeroPages = 512
	zeroTime  = 2 * time.Millisecond
	// zeroPatience is how long readers of an old state are waited for, and zeroPause between two looks.
	zeroPatience = 30 * time.Second
	zeroPause    = 5 * time.Millisecond
)

// scrub overwrites what was erased in both files, and notes that it is done.
func (s *Store) scrub(ctx context.Context) error {
	for _, db := range []*bbolt.DB{s.calls, s.directory} {
		if err := zeroFree(ctx, db); err != nil {
			return fmt.Errorf("overwrite what %s no longer uses: %w", db.Path(), err)
		}
	}
	return s.editDirectory(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyScrub) })
}

func (s *Store) markScrub() error {
	return s.editDirectory(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyScrub, seal(keyScrub, nil)) })
}

// scrubAtStart finishes what a crash left.
func (s *Store) scrubAtStart() error {
	asked := false
	err := s.view(s.directory, "scrub", func(tx *bbolt.Tx) error {
		asked = tx.Bucket(bucketMeta).Get(keyScrub) != nil
		return nil
	})
	if err != nil || !asked {
		return err
	}
	s.opts.Logger.Info("store: overwriting what was erased before the store was closed")
	return s.scrub(context.Background())
}

// zeroFree overwrites the pages of a file that no transaction uses, and what lies behind its last page. bbolt leaves in them
// what they held. It works a little at a time, so that whoever writes waits for some milliseconds at most.
func zeroFree(ctx context.Context, db *bbolt.DB) error {
	f, err := os.OpenFile(db.Path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	z := &zeroer{db: db, file: f, size: db.Info().PageSize}
	z.page, z.blank = make([]byte, z.size), make([]byte, z.size)
	err = z.run(ctx)
	if z.wrote > 0 {
		err = errors.Join(err, f.Sync())
	}
	return errors.Join(err, f.Close())
}

// zeroer overwrites the unused pages of one file.
type zeroer struct {
	db          *bbolt.DB
	file        *os.File
	size        int
	page, blank []byte
	next        int // page
	wrote       int // pages
}

func (z *zeroer) run(ctx context.Context) error {
	until := time.Now().Add(zeroPatience)
	for {
		done, busy, err := z.slice()
		if done || err != nil {
			return err
		}
		pause := time.Duration(0)
		if busy {
			if pause = zeroPause; time.Now().After(until) {
				return errors.New("somebody goes on reading an old state: it is done when the store is opened next")
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// slice overwrites some pages while it holds the file's write lock. busy tells that it could not: a reader may still use
// pages that are no longer in force.
func (z *zeroer) slice() (done, busy bool, err error) {
	// Beginning to write releases pages that no reader uses. How many are left, bbolt tells when the transaction has ended.
	first, err := z.db.Begin(true)
	if err != nil {
		return false, false, err
	}
	state := first.ID()
	if err := first.Rollback(); err != nil {
		return false, false, err
	}
	waiting := z.db.Stats().PendingPageN
	tx, err := z.db.Begin(true)
	if err != nil {
		return false, false, err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if waiting > 0 || tx.ID() != state {
		return false, true, nil
	}
	err = guard(z.db.Path(), func() (err error) { done, err = z.pages(tx); return err })
	return done, false, err
}

func (z *zeroer) pages(tx *bbolt.Tx) (done bool, err error) {
	start := time.Now()
	for n := 0; n < zeroPages && time.Since(start) < zeroTime; n++ {
		info, err := tx.Page(z.next)
		switch {
		case err != nil:
			return false, err
		case info == nil: // behind the last page of the state in force: as far as the file goes
			if err := z.zero(z.next); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return true, nil
			} else if err != nil {
				return false, err
			}
			z.next++
		case info.Type == "free":
			if err := z.zero(z.next); err != nil {
				return false, err
			}
			z.next++
		default:
			z.next += 1 + info.OverflowCount
		}
	}
	return false, nil
}

// zero overwrites a page unless it is blank.
func (z *zeroer) zero(id int) error {
	at := int64(id) * int64(z.size)
	if _, err := io.ReadFull(io.NewSectionReader(z.file, at, int64(z.size)), z.page); err != nil {
		return err
	}
	if string(z.page) == string(z.blank) {
		return nil
	}
	z.wrote++
	_, err := z.file.WriteAt(z.blank, at)
	return err
}
