package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"go.etcd.io/bbolt"

	"telefonist/record"
)

// Names of the files in the store's folder.
const (
	callsFile     = "calls.db"
	directoryFile = "directory.db"
)

// Store is the open store. Its methods may be called from any goroutine.
type Store struct {
	opts      Options
	calls     *bbolt.DB
	directory *bbolt.DB
	metrics   *metrics
	writer    *writer // nil where read-only
	stream    stream
	queued    chan struct{} // capacity 1: a message was queued
	keys      *keyring

	// gate lets one writer at a time at directory.db. A channel serves those who wait in the order in which they came.
	gate chan struct{}
	// rotating lets one rotation of keys at a time: one that forgets keys would forget those that another seals with.
	rotating chan struct{}

	subs        sync.Mutex // protects what is below
	subscribers map[int]func(tenant string, seq uint64)
	lastSub     int

	closeOnce sync.Once
	closeErr  error
}

// Open opens the store in a folder for writing, and creates both (folder 0700, files 0600) where there is none. Only one
// process can have it open so. It fails with ErrLocked, ErrNewerSchema or ErrDamaged as these say.
//
// A power cut tears nothing that counts, since bbolt syncs pages before the meta page that names them. A disk that lies
// about syncing can have torn the pages written last. So opening verifies the pages of a file of up to 256 MiB, and reads
// the newest records with their indexes. What is broken there is ErrDamaged; Check reads every value of a file of any size.
func Open(dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("create store folder: %w", err)
	}
	s := &Store{opts: o, queued: make(chan struct{}, 1), gate: make(chan struct{}, 1), rotating: make(chan struct{}, 1)}
	if err := s.openWriting(dir); err != nil {
		return nil, fmt.Errorf("open store: %w", errors.Join(err, s.closeFiles()))
	}
	return s, nil
}

func (s *Store) openWriting(dir string) (err error) {
	if s.keys, err = openKeyring(s.opts.KeyFile); err != nil {
		return err
	}
	s.keys.kept = s.keepsCodes
	path := filepath.Join(dir, callsFile)
	mapped := s.opts.MmapSize
	if info, err := os.Stat(path); err == nil {
		mapped = max(mapped, 2*int(info.Size()))
	}
	s.calls, err = openFile(path, boltOptions(s.opts.LockTimeout, mapped, s.opts.maxSize, false), s.opts.callsList, s.opts)
	if err != nil {
		return err
	}
	s.directory, err = openFile(filepath.Join(dir, directoryFile), boltOptions(s.opts.LockTimeout, directoryMmapSize, 0, false), directorySchema, s.opts)
	if err != nil {
		return err
	}
	if err := s.checkAtStart(); err != nil {
		return err
	}
	if missing, err := s.keys.missing(); err != nil {
		return err
	} else if missing {
		s.opts.Logger.Error("no door code can be shown or written: the key file is missing or empty: restore it from its backup", "file", s.opts.KeyFile)
	}
	s.writer = newWriter(s.calls, s.opts, &s.stream)
	if err := s.openStream(); err != nil {
		return err
	}
	if s.metrics, err = newMetrics(s.opts.Registerer, s.writer.pendingCount, s.writer.oldestPending); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	s.writer.start(s.metrics)
	if err := errors.Join(s.dropLeftovers(), s.scrubAtStart()); err != nil {
		s.writer.stop()
		return err
	}
	return nil
}

// OpenReadOnly opens the store for reading, for a tool while the server does not run: it fails with ErrLocked while it
// does, and keeps the server from starting until it is closed. Several readers may share the store.
func OpenReadOnly(dir string, o Options) (*Store, error) {
	s := &Store{opts: o.withDefaults(), queued: make(chan struct{}, 1), keys: &keyring{}}
	if err := s.openReading(dir); err != nil {
		return nil, fmt.Errorf("open store read-only: %w", errors.Join(err, s.closeFiles()))
	}
	return s, nil
}

func (s *Store) openReading(dir string) (err error) {
	if s.calls, err = openReadOnlyFile(filepath.Join(dir, callsFile), s.opts, s.opts.callsList); err != nil {
		return err
	}
	if err := s.openStream(); err != nil {
		return err
	}
	s.directory, err = openReadOnlyFile(filepath.Join(dir, directoryFile), s.opts, directorySchema)
	return err
}

func openReadOnlyFile(path string, o Options, list []migration) (*bbolt.DB, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", path, ErrNoStore)
	case err != nil:
		return nil, err
	case info.Size() == 0: // bbolt would try to write its first pages
		return nil, &DamagedError{File: path, Reason: "the file is empty"}
	}
	db, err := openBolt(path, boltOptions(o.LockTimeout, 0, 0, true), o.Logger)
	if err != nil {
		return nil, err
	}
	var version int
	err = guard(path, func() (err error) { version, err = schemaVersion(db); return err })
	switch {
	case err != nil:
	case version > len(list):
		err = fmt.Errorf("%s has schema %d, this version knows %d: %w", path, version, len(list), ErrNewerSchema)
	case version < len(list):
		err = fmt.Errorf("%s has schema %d, this version needs %d: %w", path, version, len(list), ErrOlderSchema)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close writes what was given, calls back what is waiting, and closes the files. It must not be called from a done.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		if s.writer != nil {
			s.writer.stop()
			if err := s.keys.save(); err != nil {
				s.opts.Logger.Error("the key file was not brought up to date", "file", s.opts.KeyFile, "err", err)
			}
		}
		s.closeErr = s.closeFiles()
	})
	return s.closeErr
}

func (s *Store) closeFiles() error {
	var errs []error
	for _, db := range []*bbolt.DB{s.calls, s.directory} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// Commit makes one change of a call durable. It never blocks. done is called exactly once, on a goroutine that all done of
// the store share, so it must not wait: with nil once the commit is on disk, else with what kept it from being written,
// and then nothing of it was. Those of commits that were taken are called in the order of the commits; one that is
// refused with ErrBusy or ErrClosed may be told earlier. What c points to must not be changed until then. done may be nil.
//
// A commit with ErrInvalid or ErrNoJournal fails again however often it is given; any other error is worth a retry. What
// contradicts the disk is ignored, counted in telefonist_store_ignored_total and logged: a second record of a call, and
// anything of a call that has its record but messages. A message that is not valid is left out likewise: it must not keep a
// call from its record.
func (s *Store) Commit(c record.Commit, done func(error)) {
	if len(c.Messages) > 0 {
		done = s.tellQueued(done)
	}
	s.submit(&commitOp{commit: c, stream: &s.stream}, c.Head != nil, done)
}

func (s *Store) submit(op operation, opens bool, done func(error)) {
	if done == nil {
		done = func(error) {}
	}
	if s.writer == nil {
		go done(ErrReadOnly)
		return
	}
	s.writer.submit(op, opens, done)
}
