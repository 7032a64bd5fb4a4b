package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// This file reads the pages of a bbolt file without bbolt, which trusts what it reads: a page that a lying disk left as it
// was in an earlier life can lead it round in a circle for ever. The format is that of bbolt's internal/common (page.go,
// meta.go, bucket.go), version 2, in the byte order of the machine.

const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageFreelist = 0x10

	pageHeader  = 16
	elementSize = 16
	metaSize    = 64
	noFreelist  = ^uint64(0)
	leafBucket  = 0x01 // flag of a leaf element that holds a bucket
	bucketSize  = 16
)

// maxVerify is up to which size, in bytes, all pages of a file are verified when it is opened.
const maxVerify = 256 << 20

// fileMeta is what a meta page says.
type fileMeta struct {
	pageSize             int64
	root, freelist, pgid uint64
	txid                 uint64
}

// verifier walks a file that nobody writes meanwhile.
type verifier struct {
	file io.ReaderAt
	meta fileMeta
	used map[uint64]bool // pages that were reached, or are on the freelist
}

// verifyPages reads every page that is in use and makes sure that each is reached once, is what it should be, holds its
// keys in order and within its parent's, and is not on the freelist. The warning tells of a meta page that is broken
// while the other is whole: a transaction that a power cut ended, of which nothing was ever acknowledged.
func verifyPages(f *os.File, pageSize int) (warning string, err error) {
	v := &verifier{file: f, used: map[uint64]bool{}}
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	broken := 0
	for i := range int64(2) {
		m, ok := v.readMeta(i * int64(pageSize))
		switch {
		case !ok, m.pageSize != int64(pageSize), m.pgid > uint64(info.Size())/uint64(pageSize):
			broken++
			warning = fmt.Sprintf("meta page %d is broken, the other is used", i)
		case m.txid >= v.meta.txid:
			v.meta = m
		}
	}
	if broken == 2 {
		return "", &DamagedError{File: f.Name(), Reason: "both meta pages are broken"}
	}
	if int64(v.meta.pgid)*v.meta.pageSize > maxVerify {
		return warning, nil
	}
	if err := v.all(); err != nil {
		return warning, &DamagedError{File: f.Name(), Reason: err.Error()}
	}
	return warning, nil
}

func (v *verifier) readMeta(at int64) (m fileMeta, ok bool) {
	b := make([]byte, pageHeader+metaSize)
	if _, err := v.file.ReadAt(b, at); err != nil {
		return m, false
	}
	b = b[pageHeader:]
	n := binary.NativeEndian
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	if n.Uint32(b) != boltMagic || n.Uint32(b[4:]) != boltVersion || n.Uint64(b[metaSize-8:]) != sum.Sum64() {
		return m, false
	}
	return fileMeta{pageSize: int64(n.Uint32(b[8:])), root: n.Uint64(b[16:]), freelist: n.Uint64(b[32:]),
		pgid: n.Uint64(b[40:]), txid: n.Uint64(b[48:])}, true
}

func (v *verifier) all() error {
	if err := v.tree(v.meta.root, nil, nil); err != nil {
		return err
	}
	if err := v.freelist(); err != nil {
		return err
	}
	for id := uint64(2); id < v.meta.pgid; id++ {
		if !v.used[id] {
			return fmt.Errorf("page %d is neither in use nor free", id)
		}
	}
	return nil
}

// page reads a page with its overflow and marks it as used.
func (v *verifier) page(id uint64) (flags uint16, count int, b []byte, err error) {
	if id < 2 || id >= v.meta.pgid {
		return 0, 0, nil, fmt.Errorf("page %d is out of range", id)
	}
	n := binary.NativeEndian
	b = make([]byte, v.meta.pageSize)
	if _, err := v.file.ReadAt(b, int64(id)*v.meta.pageSize); err != nil {
		return 0, 0, nil, fmt.Errorf("read page %d: %w", id, err)
	}
	overflow := uint64(n.Uint32(b[12:]))
	if n.Uint64(b) != id || id+overflow >= v.meta.pgid {
		return 0, 0, nil, fmt.Errorf("page %d is not what it should be: says it is %d, with %d more", id, n.Uint64(b), overflow)
	}
	for p := id; p <= id+overflow; p++ {
		if v.used[p] {
			return 0, 0, nil, fmt.Errorf("page %d is used twice", p)
		}
		v.used[p] = true
	}
	if overflow > 0 {
		b = make([]byte, int64(overflow+1)*v.meta.pageSize)
		if _, err := v.file.ReadAt(b, int64(id)*v.meta.pageSize); err != nil {
			return 0, 0, nil, fmt.Errorf("read page %d: %w", id, err)
		}
	}
	return n.Uint16(b[8:]), int(n.Uint16(b[10:])), b, nil
}

// tree verifies a page and what is below it, whose keys are lo <= key < hi; hi nil: no bound.
func (v *verifier) tree(id uint64, lo, hi []byte) error {
	flags, count, b, err := v.page(id)
	if err != nil {
		return err
	}
	switch flags {
	case pageBranch:
		return v.branch(id, count, b, lo, hi)
	case pageLeaf:
		return v.leaf(id, count, b, lo, hi)
	}
	return fmt.Errorf("page %d has flags %#x", id, flags)
}

func (v *verifier) branch(id uint64, count int, b, lo, hi []byte) error {
	if count == 0 {
		return fmt.Errorf("branch page %d is empty", id)
	}
	n := binary.NativeEndian
	keys, children := make([][]byte, count), make([]uint64, count)
	for i := range count {
		at := pageHeader + i*elementSize
		if at+elementSize > len(b) {
			return fmt.Errorf("page %d: %d elements are too many", id, count)
		}
		e := b[at:]
		key, ok := cutOut(b, at, n.Uint32(e), n.Uint32(e[4:]))
		if !ok || i > 0 && bytes.Compare(key, keys[i-1]) <= 0 || i > 0 && bytes.Compare(key, lo) < 0 ||
			hi != nil && bytes.Compare(key, hi) >= 0 {
			return fmt.Errorf("page %d: element %d has its key out of place", id, i)
		}
		keys[i], children[i] = key, n.Uint64(e[8:])
	}
	for i, child := range children {
		from, to := keys[i], hi
		if i == 0 {
			from = lo // what is below the first key of a branch is found under it too
		}
		if i+1 < count {
			to = keys[i+1]
		}
		if err := v.tree(child, from, to); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) leaf(id uint64, count int, b, lo, hi []byte) error {
	n := binary.NativeEndian
	var last []byte
	for i := range count {
		at := pageHeader + i*elementSize
		if at+elementSize > len(b) {
			return fmt.Errorf("page %d: %d elements are too many", id, count)
		}
		e := b[at:]
		pos, ksize, vsize := n.Uint32(e[4:]), n.Uint32(e[8:]), n.Uint32(e[12:])
		key, ok := cutOut(b, at, pos, ksize)
		value, ok2 := cutOut(b, at, pos+ksize, vsize)
		if !ok || !ok2 || len(key) == 0 || i > 0 && bytes.Compare(key, last) <= 0 || bytes.Compare(key, lo) < 0 ||
			hi != nil && bytes.Compare(key, hi) >= 0 {
			return fmt.Errorf("page %d: element %d has its key out of place", id, i)
		}
		last = key
		if n.Uint32(e)&leafBucket == 0 {
			continue
		}
		if len(value) < bucketSize {
			return fmt.Errorf("page %d: bucket %q is cut short", id, key)
		}
		if root := n.Uint64(value); root != 0 { // zero: the bucket is small and stands in the value itself
			if err := v.tree(root, nil, nil); err != nil {
				return fmt.Errorf("bucket %q: %w", key, err)
			}
		} else if len(value) < bucketSize+pageHeader {
			return fmt.Errorf("page %d: bucket %q is cut short", id, key)
		} else if inline := value[bucketSize:]; n.Uint16(inline[8:]) != pageLeaf {
			return fmt.Errorf("page %d: bucket %q is no leaf", id, key)
		} else if err := v.leaf(id, int(n.Uint16(inline[10:])), inline, nil, nil); err != nil {
			return fmt.Errorf("bucket %q: %w", key, err)
		}
	}
	return nil
}

// cutOut returns size bytes that begin pos bytes behind the element at the offset.
func cutOut(b []byte, at int, pos, size uint32) ([]byte, bool) {
	from := uint64(at) + uint64(pos)
	to := from + uint64(size)
	if to > uint64(len(b)) {
		return nil, false
	}
	return b[from:to], true
}

// freelist marks the free pages. A count of 0xFFFF means that the first entry is the count.
func (v *verifier) freelist() error {
	if v.meta.freelist == noFreelist {
		return fmt.Errorf("the freelist was not written")
	}
	flags, count, b, err := v.page(v.meta.freelist)
	if err != nil {
		return fmt.Errorf("freelist: %w", err)
	}
	if flags != pageFreelist {
		return fmt.Errorf("freelist: page %d has flags %#x", v.meta.freelist, flags)
	}
	n, entries := binary.NativeEndian, b[pageHeader:]
	if count == 0xFFFF {
		count, entries = int(n.Uint64(entries)), entries[8:]
	}
	if count < 0 || count > len(entries)/8 {
		return fmt.Errorf("freelist: %d entries are too many", count)
	}
	for i := range count {
		free := n.Uint64(entries[8*i:])
		if free < 2 || free >= v.meta.pgid || v.used[free] {
			return fmt.Errorf("freelist: page %d is in use, free twice or out of range", free)
		}
		v.used[free] = true
	}
	return nil
}
