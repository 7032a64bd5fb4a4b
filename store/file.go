package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
)

// boltOptions says how the files are opened, and why so:
//
//   - FreelistType hashmap: allocation stays fast when the file is large and fragmented, which the array is not.
//   - NoFreelistSync off: the freelist is written with each transaction. Without it every start, and every rollback after a
//     failed write, would walk the whole file, and damage would panic on a goroutine of bbolt's where nobody can catch it.
//     What it costs is one page a transaction.
//   - NoGrowSync off, NoSync off: durability is the point.
//   - MmapFlags none: MAP_POPULATE would read the whole file at start; what is hot gets cached by itself.
//   - InitialMmapSize: see Options.MmapSize.
//   - Timeout: bbolt's flock; another process that has the file makes ErrLocked.
func boltOptions(timeout time.Duration, mmapSize, maxSize int, readOnly bool) *bbolt.Options {
	return &bbolt.Options{
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: mmapSize,
		MaxSize:         maxSize,
		Timeout:         timeout,
		ReadOnly:        readOnly,
		PreLoadFreelist: true,
	}
}

// openFile opens one bbolt file for writing and migrates it. A new file is made under another name and linked into place
// once its schema is on disk, so that a crash during the very first start leaves no half-made file behind.
func openFile(path string, bo *bbolt.Options, list []migration, o Options) (*bbolt.DB, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := createFile(path, bo, list, o); err != nil {
			return nil, fmt.Errorf("create %s: %w", path, err)
		}
	}
	db, err := openBolt(path, bo, o.Logger)
	if err != nil {
		return nil, err
	}
	err = guard(path, func() error { return migrate(db, list, o.Logger) })
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func createFile(path string, bo *bbolt.Options, list []migration, o Options) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // 0600
	if err != nil {
		return err
	}
	temp := f.Name()
	defer os.Remove(temp)
	if err := f.Close(); err != nil {
		return err
	}
	small := *bo
	small.InitialMmapSize = 0
	db, err := openBolt(temp, &small, o.Logger)
	if err != nil {
		return err
	}
	if err := errors.Join(migrate(db, list, o.Logger), db.Close()); err != nil {
		return err
	}
	// Unlike a rename, a link never replaces a file that another process made meanwhile.
	if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openBolt opens a bbolt file and turns what goes wrong, panics included, into errors that say what to do.
func openBolt(path string, bo *bbolt.Options, log *slog.Logger) (*bbolt.DB, error) {
	var file *os.File
	opts := *bo
	opts.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, mode)
		file = f
		return f, err
	}
	var db *bbolt.DB
	err := guard(path, func() (err error) {
		db, err = bbolt.Open(path, fileMode, &opts)
		if err != nil {
			return err
		}
		if err := wholeFile(db, file); err != nil {
			return err
		}
		warning, err := verifyPages(file, db.Info().PageSize)
		if err == nil && warning != "" {
			log.Warn("store: a transaction was cut short and does not count", "file", path, "found", warning)
		}
		return err
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bbolterrors.ErrTimeout):
		return nil, fmt.Errorf("open %s: %w", path, ErrLocked)
	case errors.Is(err, ErrDamaged):
		if db != nil {
			db.Close()
		} else if file != nil {
			unlock(file) // bbolt lost hold of it in the panic
			file.Close()
		}
		return nil, err
	case errors.Is(err, bbolterrors.ErrInvalid), tooShort(path), errors.Is(err, bbolterrors.ErrChecksum),
		errors.Is(err, bbolterrors.ErrVersionMismatch):
		return nil, &DamagedError{File: path, Reason: err.Error()}
	}
	return nil, fmt.Errorf("open %s: %w", path, err)
}

// tooShort tells whether a file is smaller than bbolt makes any: two meta pages, a freelist and a leaf.
func tooShort(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() < 4*int64(os.Getpagesize())
}

// wholeFile finds a file that was cut short. Reading what is missing would fault, on any goroutine of bbolt's too.
func wholeFile(db *bbolt.DB, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return &DamagedError{File: file.Name(), Reason: fmt.Sprintf("cut short: has %d of %d bytes", info.Size(), tx.Size())}
		}
		return nil
	})
}

// guard runs what reads pages of a file. bbolt panics on pages that make no sense, and a file that was cut short faults
// where it is mapped; both become a DamagedError.
func guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &DamagedError{File: path, Reason: fmt.Sprint(p), Stack: debug.Stack()}
		}
	}()
	return fn()
}

func damaged(db *bbolt.DB, bucket, key []byte, reason string) error {
	return &DamagedError{File: db.Path(), Bucket: string(bucket), Key: append([]byte(nil), key...), Reason: reason}
}
