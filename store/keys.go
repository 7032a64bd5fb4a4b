package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"telefonist/directory"
)

// keyFile is the file of keys: the newest is the last one, and seals.
type keyFile struct {
	Keys []fileKey `json:"keys"`
}

type fileKey struct {
	ID      string    `json:"id"`
	Key     []byte    `json:"key"` // 32 bytes, AES-256
	Created time.Time `json:"created"`
}

// keyring seals secrets with AES-256-GCM. Its file lies outside the store, so that a copy of the store shows no secret.
type keyring struct {
	path string
	// kept tells whether something is sealed already. It is asked within the transaction that seals, so it must not write.
	kept func() (bool, error)

	mu   sync.Mutex // protects keys and the file
	keys []fileKey
}

// openKeyring reads the key file. One that is not there yet is made when the first secret is kept.
func openKeyring(path string) (*keyring, error) {
	k := &keyring{path: path}
	if path == "" {
		return k, nil
	}
	var err error
	k.keys, err = readKeys(path)
	return k, err
}

// missing tells whether there is no key, though something is sealed.
func (k *keyring) missing() (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.path == "" || len(k.keys) > 0 {
		return false, nil
	}
	return k.kept()
}

// readKeys reads a key file; none where there is no file yet.
func readKeys(path string) ([]fileKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("key file %s may be read by others (mode %#o): chmod 600 it", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	var f keyFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("key file %s: not as it was written: restore it from its backup", path)
	}
	for _, key := range f.Keys {
		if key.ID == "" || len(key.Key) != 32 {
			return nil, fmt.Errorf("key file %s: key %q is not 32 bytes: restore it from its backup", path, key.ID)
		}
	}
	return f.Keys, nil
}

// refresh takes in the keys of a file that was restored while the server runs. They come first: none of them seals. Keys that the file lacks
// are written into it, since they would be gone after the next start.
func (k *keyring) refresh() error {
	if k.path == "" {
		return nil
	}
	found, err := readKeys(k.path)
	if err != nil {
		return err
	}
	all := append(lacking(found, k.keys), k.keys...)
	if len(lacking(k.keys, found)) > 0 {
		return k.write(all)
	}
	k.keys = all
	return nil
}

// save brings the file up to date before the keys are forgotten with the process.
func (k *keyring) save() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refresh()
}

// lacking gives the keys that are not among others.
func lacking(keys, others []fileKey) []fileKey {
	return slices.DeleteFunc(slices.Clone(keys), func(key fileKey) bool {
		return slices.ContainsFunc(others, func(o fileKey) bool { return o.ID == key.ID })
	})
}

// first makes the first key, unless the file was restored since it was read. Where the file is missing though something is sealed it makes none:
// its backup would be copied over the new key. An empty file says that there is no backup.
func (k *keyring) first(now time.Time) error {
	if k.path == "" {
		return directory.ErrNoKeys
	}
	if err := k.refresh(); err != nil || len(k.keys) > 0 {
		return err
	}
	if _, err := os.Stat(k.path); errors.Is(err, fs.ErrNotExist) {
		switch kept, err := k.kept(); {
		case err != nil:
			return err
		case kept:
			return directory.ErrKeysMissing
		}
	}
	return k.addLocked(now)
}

// add makes a new key, which seals from then on, and writes the file before it is used.
func (k *keyring) add(now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.addLocked(now)
}

func (k *keyring) addLocked(now time.Time) error {
	if k.path == "" {
		return directory.ErrNoKeys
	}
	if err := k.refresh(); err != nil {
		return err
	}
	raw := make([]byte, 4+32)
	if _, err := rand.Read(raw); err != nil {
		return err
	}
	key := fileKey{ID: now.UTC().Format("20060102") + "-" + hex.EncodeToString(raw[:4]), Key: raw[4:], Created: now.UTC()}
	return k.write(append(append([]fileKey(nil), k.keys...), key))
}

// forget drops all keys but the newest.
func (k *keyring) forget() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) < 2 {
		return nil
	}
	return k.write(k.keys[len(k.keys)-1:])
}

// write puts a new file in the place of the old one, at once and durably.
func (k *keyring) write(keys []fileKey) error {
	text, err := json.MarshalIndent(keyFile{keys}, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(k.path), filepath.Base(k.path)+".new-*") // 0600
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	if err := errors.Join(os.Rename(f.Name(), k.path), syncDir(filepath.Dir(k.path))); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	k.keys = keys
	return nil
}

// seal encrypts a text for one place: about names it, and opens it only there.
func (k *keyring) seal(about, text string, now time.Time) (directory.Sealed, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) == 0 {
		if err := k.first(now); err != nil {
			return directory.Sealed{}, err
		}
	}
	key := k.keys[len(k.keys)-1]
	gcm, err := newGCM(key.Key)
	if err != nil {
		return directory.Sealed{}, err
	}
	return directory.Sealed{Key: key.ID, Text: gcm.Seal(nil, nil, []byte(text), []byte(about))}, nil
}

// newGCM has random nonces of 96 bits, which it puts before the text: good for 2^32 secrets a key (NIST SP 800-38D, 8.3).
func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// open decrypts.
func (k *keyring) open(about string, s directory.Sealed) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.path == "" {
		return "", directory.ErrNoKeys
	}
	named := func(key fileKey) bool { return key.ID == s.Key }
	i := slices.IndexFunc(k.keys, named)
	if i < 0 { // the file may have been restored since it was read
		if err := k.refresh(); err != nil {
			return "", err
		}
		if i = slices.IndexFunc(k.keys, named); i < 0 {
			return "", fmt.Errorf("key %s: %w", s.Key, directory.ErrLostKey)
		}
	}
	gcm, err := newGCM(k.keys[i].Key)
	if err != nil {
		return "", err
	}
	text, err := gcm.Open(nil, nil, s.Text, []byte(about))
	if err != nil {
		return "", fmt.Errorf("open what key %s sealed: %w", s.Key, err)
	}
	return string(text), nil
}

// current is the id of the key that seals, empty where there is none yet.
func (k *keyring) current() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) == 0 {
		return ""
	}
	return k.keys[len(k.keys)-1].ID
}
