package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// keyScrub, in meta, asks for directory.db to be written anew when it is opened next.
var keyScrub = []byte("scrub")

// scrubTxSize is how many bytes one transaction of the new file carries.
const scrubTxSize = 4 << 20

// openDirectory opens directory.db for writing. Where somebody was erased since it was opened last, it is first written
// anew, since pages that are no longer used keep what they held. A crash meanwhile leaves the file as it was.
func (s *Store) openDirectory(path string) (err error) {
	bo := boltOptions(s.opts.LockTimeout, directoryMmapSize, 0, false)
	if s.directory, err = openFile(path, bo, directorySchema, s.opts); err != nil {
		return err
	}
	asked := false
	err = s.view(s.directory, "scrub", func(tx *bbolt.Tx) error {
		asked = tx.Bucket(bucketMeta).Get(keyScrub) != nil
		return nil
	})
	if err != nil || !asked {
		return err
	}
	temp := path + ".scrub"
	defer os.Remove(temp)
	err = errors.Join(guard(path, func() error { return s.copyUsed(temp) }), s.directory.Close())
	s.directory = nil
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s anew without what was erased: %w", path, err)
	}
	s.opts.Logger.Info("store: wrote directory.db anew, without what was erased")
	s.directory, err = openFile(path, bo, directorySchema, s.opts)
	return err
}

func (s *Store) copyUsed(temp string) error {
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	small := boltOptions(s.opts.LockTimeout, 0, 0, false)
	db, err := bbolt.Open(temp, fileMode, small)
	if err != nil {
		return err
	}
	err = bbolt.Compact(db, s.directory, scrubTxSize)
	if err == nil {
		err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyScrub) })
	}
	return errors.Join(err, db.Sync(), db.Close())
}
