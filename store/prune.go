package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/directory"
)

// Pruned tells what PruneHistory took away.
type Pruned struct{ Changes, Referrals int }

// PruneHistory forgets what is older than an instant, where a tenant wants that: changes in the history, and referrals that have
// ended. Items stay as they are, with who wrote them when; so does that somebody was erased. It works in chunks, between which
// others write, and overwrites in the end what the file no longer uses.
func (s *Store) PruneHistory(ctx context.Context, tenant string, before time.Time) (p Pruned, err error) {
	for after, more := uint64(0), true; more; {
		if err = ctx.Err(); err != nil {
			break
		}
		var imports []uint64
		if imports, after, more, err = s.pruneChunk(tenant, after, before, &p); err != nil {
			break
		}
		for _, number := range imports {
			if err = s.dropImport(tenant, number); err != nil {
				break
			}
		}
	}
	if err == nil {
		err = s.pruneReferrals(tenant, before, &p)
	}
	if err == nil && p != (Pruned{}) {
		err = zeroFree(ctx, s.directory)
	}
	if err != nil {
		return p, fmt.Errorf("prune history of %s: %w", tenant, err)
	}
	return p, nil
}

// pruneChunk deletes the next changes behind one, and lists the imports among them, whose details are still there.
func (s *Store) pruneChunk(tenant string, after uint64, before time.Time, p *Pruned) (imports []uint64, last uint64, more bool, err error) {
	n := 0
	err = s.updateTenant(tenant, func(t *tenantTx) error {
		imports, last, more, n = nil, after, false, 0
		log, byItem := t.b.Bucket(bucketLog), t.b.Bucket(bucketLogByItem)
		var old []directory.Change
		c := log.Cursor()
		for k, v := c.Seek(number(after + 1)); k != nil; k, v = c.Next() {
			var one directory.Change
			if err := decode(k, v, &one); err != nil {
				return damaged(t.db, bucketLog, k, err.Error())
			}
			if !one.At.Before(before) {
				break
			}
			if more = len(old) == s.opts.importChunk; more {
				break
			}
			last = one.Seq
			old = append(old, one)
		}
		for _, one := range old {
			if one.Action == directory.ActionErase {
				continue
			}
			if text, is := strings.CutPrefix(one.ID, "import-"); is && one.Action == directory.ActionImport {
				if change, err := strconv.ParseUint(text, 10, 64); err == nil {
					imports = append(imports, change)
				}
			}
			n++
			if err := log.Delete(number(one.Seq)); err != nil {
				return err
			}
			if err := byItem.Delete(append(itemPrefix(one.Kind, one.ID), number(one.Seq)...)); err != nil {
				return err
			}
		}
		return nil
	})
	p.Changes += n
	return imports, last, more, err
}

// dropImport drops what is kept of the people whom an import changed.
func (s *Store) dropImport(tenant string, change uint64) error {
	return s.dropBucket(tenant, func(t *tenantTx) (*bbolt.Bucket, []byte) { return t.b.Bucket(bucketImports), number(change) })
}

// pruneReferrals deletes referrals that ended before an instant, and nothing in the history says that they were deleted.
func (s *Store) pruneReferrals(tenant string, before time.Time, p *Pruned) error {
	return s.updateTenant(tenant, func(t *tenantTx) error {
		b, prefix := t.bucket(directory.KindReferral)
		var over [][]byte
		c := b.Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			it, err := t.decodeItem(directory.KindReferral, string(k[len(prefix):]), k, v)
			if err != nil {
				return err
			}
			var r directory.Referral
			if err := json.Unmarshal(it.Doc, &r); err != nil {
				return err
			}
			if !r.Until.IsZero() && r.Until.Before(before) {
				over = append(over, bytes.Clone(k))
			}
		}
		p.Referrals = len(over)
		for _, k := range over {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}
