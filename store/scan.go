package store

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// scan walks a range of keys over several transactions: those of one tenant's records, or of the index by time.
type scan struct {
	bucket  []byte
	byTime  bool
	newest  bool
	lo, hi  []byte // lo <= key < hi; hi nil: no bound
	visited []byte // the key that the last transaction ended with; the next one goes on behind it
}

func newScan(f Filter) (*scan, error) {
	sc := &scan{bucket: bucketByTime, byTime: true, newest: f.Newest}
	var prefix []byte
	if f.Tenant != "" {
		sc.bucket, sc.byTime = bucketRecords, false
		prefix = tenantPrefix(f.Tenant)
		sc.hi = append([]byte(f.Tenant), 1)
	}
	sc.lo = prefix
	if !f.From.IsZero() {
		sc.lo = appendTime(bytes.Clone(prefix), f.From)
	}
	if !f.To.IsZero() {
		sc.hi = appendTime(bytes.Clone(prefix), f.To)
	}
	if f.After != "" {
		key, err := f.After.key()
		if err != nil {
			return nil, err
		}
		sc.visited = append(bytes.Clone(prefix), key...)
	}
	return sc, nil
}

// run visits keys from where the last run ended until visit returns false, which makes run return true.
func (sc *scan) run(tx *bbolt.Tx, visit func(k, v []byte) bool) (more bool) {
	c := tx.Bucket(sc.bucket).Cursor()
	step := c.Next
	if sc.newest {
		step = c.Prev
	}
	for k, v := sc.start(c); sc.within(k); k, v = step() {
		sc.visited = append(sc.visited[:0:0], k...)
		if !visit(k, v) {
			return true
		}
	}
	return false
}

// start moves the cursor to the first key of this run.
func (sc *scan) start(c *bbolt.Cursor) (k, v []byte) {
	if !sc.newest {
		from := sc.lo
		if bytes.Compare(sc.visited, from) > 0 {
			from = sc.visited
		}
		k, v = c.Seek(from)
		if sc.visited != nil && bytes.Equal(k, sc.visited) {
			k, v = c.Next()
		}
		return k, v
	}
	end := sc.hi
	if sc.visited != nil && (end == nil || bytes.Compare(sc.visited, end) < 0) {
		end = sc.visited
	}
	if end == nil {
		return c.Last()
	}
	if k, _ = c.Seek(end); k == nil {
		return c.Last() // every key is before the end
	}
	return c.Prev()
}

func (sc *scan) within(k []byte) bool {
	if k == nil {
		return false
	}
	if sc.newest {
		return bytes.Compare(k, sc.lo) >= 0
	}
	return sc.hi == nil || bytes.Compare(k, sc.hi) < 0
}
