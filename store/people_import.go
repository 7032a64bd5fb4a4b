package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"go.etcd.io/bbolt"

	"telefonist/directory"
)

// defaultImportChunk is how many people one transaction of an import writes, some 10 ms.
const defaultImportChunk = 500

// ImportPeople writes people in chunks under a generation of their own and switches to it at once: until then everybody sees
// the people as they were, and from then on all that the import brings. Edits made meanwhile wait for one chunk at most,
// and stand in the end: where one touched a person whom the import changes too, the import's change is dropped and counted as
// overtaken. Where it fails, or ctx ends, or the process dies, nothing of it is left.
//
// It fails with directory.ErrImporting where another import of the tenant runs, with directory.ErrImported where one has run since
// this one was planned, and with directory.ErrTaken where it, with an edit made meanwhile, would give two people the same external id.
func (s *Store) ImportPeople(ctx context.Context, tenant string, in directory.PeopleImport) (directory.ImportCounts, error) {
	im := &peopleImport{s: s, tenant: tenant, in: in}
	counts, err := im.run(ctx)
	if err != nil {
		if im.generation != 0 {
			err = errors.Join(err, im.s.dropStaging(tenant))
		}
		return directory.ImportCounts{}, fmt.Errorf("import people of %s: %w", tenant, err)
	}
	s.tell(tenant, im.last)
	err = s.dropGenerations(tenant)
	if im.erased {
		err = errors.Join(err, zeroFree(context.WithoutCancel(ctx), s.directory))
	}
	return counts, err
}

// peopleImport is one import while it runs.
type peopleImport struct {
	s      *Store
	tenant string
	in     directory.PeopleImport

	generation uint64   // being staged
	change     uint64   // the number under which the import's changes are kept
	caughtUp   uint64   // edits up to this one are in the staged generation
	ids        []string // of the upserts, in order
	removed    map[string]bool
	naming     map[string][]string // ids of upserts by the substitutes that they name
	doubtful   map[string]bool     // people who may have a substitute who is gone
	counts     directory.ImportCounts
	total      int
	last       uint64
	erased     bool // somebody was erased meanwhile, whom what was staged may hold
}

func (im *peopleImport) run(ctx context.Context) (directory.ImportCounts, error) {
	im.ids = slices.Sorted(maps.Keys(im.in.Upserts))
	im.removed, im.doubtful = map[string]bool{}, map[string]bool{}
	for _, id := range im.in.Removed {
		im.removed[id] = true
	}
	im.counts.Unchanged = im.in.Unchanged
	var err error
	if im.naming, err = naming(im.in.Upserts); err != nil {
		return im.counts, err
	}
	if err := im.begin(); err != nil {
		return im.counts, err
	}
	done, after := 0, ""
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return im.counts, err
		}
		n, last, err := im.chunk(after)
		if err != nil {
			return im.counts, err
		}
		done, after, more = done+n, last, n == im.s.opts.importChunk
		if im.in.Progress != nil {
			im.in.Progress(done, max(im.total, done))
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return im.counts, err
		}
		switched, err := im.catchUp()
		if switched || err != nil {
			return im.counts, err
		}
	}
}

// update is a transaction on the tenant's bucket.
func (s *Store) updateTenant(tenant string, fn func(t *tenantTx) error) error {
	return s.editDirectory(func(tx *bbolt.Tx) error {
		t, err := openTenant(s.directory, tx, tenant)
		if err != nil {
			return err
		}
		if err := fn(t); err != nil {
			return err
		}
		return t.save()
	})
}

// begin reserves a generation and a number.
func (im *peopleImport) begin() error {
	return im.s.updateTenant(im.tenant, func(t *tenantTx) error {
		if t.state.Staging != 0 {
			return directory.ErrImporting
		}
		if err := im.planned(t); err != nil {
			return err
		}
		t.state.Last++
		t.state.Staging, t.state.Import = t.state.Last, t.next()
		im.generation, im.change, im.caughtUp = t.state.Staging, t.state.Import, t.state.Seq
		if im.in.Since != nil {
			im.caughtUp = *im.in.Since
		}
		im.total = t.generation(t.state.Generation).people.Stats().KeyN + len(im.in.Upserts)
		if _, err := t.newGeneration(im.generation); err != nil {
			return err
		}
		_, err := t.b.Bucket(bucketImports).CreateBucket(number(im.change))
		return err
	})
}

// planned tells whether the plan was made of the people that there are: an import behind it changed any number of them, and may
// have brought those whom this one would bring again.
func (im *peopleImport) planned(t *tenantTx) error {
	if im.in.Since == nil {
		return nil
	}
	c := t.b.Bucket(bucketLog).Cursor()
	for k, v := c.Seek(number(*im.in.Since + 1)); k != nil; k, v = c.Next() {
		var one directory.Change
		if err := decode(k, v, &one); err != nil {
			return damaged(im.s.directory, bucketLog, k, err.Error())
		}
		if one.Action == directory.ActionImport {
			return directory.ErrImported
		}
	}
	return nil
}

// chunk stages the next people behind an id: those there are and those the import brings, merged in the order of their ids.
func (im *peopleImport) chunk(after string) (n int, last string, err error) {
	counts := im.counts
	err = im.s.updateTenant(im.tenant, func(t *tenantTx) error {
		im.counts, n, last = counts, 0, after
		staged, details := t.generation(im.generation), t.b.Bucket(bucketImports).Bucket(number(im.change))
		c := t.generation(t.state.Generation).people.Cursor()
		key, value := c.Seek([]byte(after))
		if after != "" && bytes.Equal(key, []byte(after)) {
			key, value = c.Next()
		}
		i, _ := slices.BinarySearch(im.ids, after+"\x00")
		for ; n < im.s.opts.importChunk && (key != nil || i < len(im.ids)); n++ {
			var old []byte
			id := ""
			switch brings := i < len(im.ids); {
			case brings && (key == nil || im.ids[i] <= string(key)):
				id = im.ids[i]
				i++
			default:
				id = string(key)
			}
			if key != nil && id == string(key) {
				old = value
				key, value = c.Next()
			}
			if err := im.stage(t, staged, details, id, old); err != nil {
				return err
			}
			last = id
		}
		return nil
	})
	return n, last, err
}

// stage writes one person to the new generation; value is what the old one has, nil for nothing.
func (im *peopleImport) stage(t *tenantTx, staged generation, details *bbolt.Bucket, id string, value []byte) error {
	var old directory.Item
	var err error
	if value != nil {
		if old, err = t.decodeItem(directory.KindPerson, id, []byte(id), value); err != nil {
			return err
		}
	}
	doc, brings := im.in.Upserts[id]
	c := directory.Change{Seq: im.change, At: im.in.At.UTC(), By: im.in.By, Kind: directory.KindPerson, ID: id, Old: old.Doc, New: doc}
	switch {
	case im.removed[id] && value != nil:
		im.counts.Deleted++
		c.Action, c.New = directory.ActionDelete, nil
		return t.putChange(details, []byte(id), c)
	case !brings:
		if value == nil {
			return nil
		}
		return staged.put(id, old.Doc, bytes.Clone(value))
	case value == nil:
		im.counts.Created++
		c.Action = directory.ActionCreate
	default:
		im.counts.Updated++
		c.Action = directory.ActionUpdate
	}
	it := directory.Item{Kind: directory.KindPerson, ID: id, Version: im.change, At: c.At, By: c.By, Doc: doc}
	sealed, err := encodeItem([]byte(id), it)
	if err != nil {
		return err
	}
	if err := staged.put(id, doc, sealed); err != nil {
		return err
	}
	return t.putChange(details, []byte(id), c)
}

// catchUp brings edits of people made since into the staged generation, a chunk at a time, and switches to it in the
// transaction in which none is left.
func (im *peopleImport) catchUp() (switched bool, err error) {
	counts, from := im.counts, im.caughtUp
	err = im.s.updateTenant(im.tenant, func(t *tenantTx) error {
		im.counts, im.caughtUp, switched = counts, from, false
		touched, err := im.touched(t)
		if err != nil {
			return err
		}
		staged, details := t.generation(im.generation), t.b.Bucket(bucketImports).Bucket(number(im.change))
		now := t.generation(t.state.Generation).people
		for _, id := range touched { // first out, so that keys can change hands among them
			if err := staged.remove(id); err != nil {
				return err
			}
		}
		for _, id := range touched {
			if err := im.overtake(details, id); err != nil {
				return err
			}
			value := now.Get([]byte(id))
			if value == nil {
				im.doubt(im.naming[id]...)
				continue
			}
			im.doubt(id)
			it, err := t.decodeItem(directory.KindPerson, id, []byte(id), value)
			if err != nil {
				return err
			}
			if err := staged.put(id, it.Doc, bytes.Clone(value)); err != nil {
				return err
			}
		}
		if im.caughtUp < t.state.Seq {
			return nil
		}
		switched = true
		return im.switchOver(t)
	})
	return switched, err
}

// touched lists the people of the next chunk of edits, each once.
func (im *peopleImport) touched(t *tenantTx) (ids []string, err error) {
	seen := map[string]bool{}
	c := t.b.Bucket(bucketLog).Cursor()
	k, v := c.Seek(number(im.caughtUp + 1))
	for ; k != nil && len(ids) < im.s.opts.importChunk; k, v = c.Next() {
		var one directory.Change
		if err := decode(k, v, &one); err != nil {
			return nil, damaged(im.s.directory, bucketLog, k, err.Error())
		}
		im.caughtUp = one.Seq
		im.erased = im.erased || one.Action == directory.ActionErase
		if one.Kind == directory.KindPerson && !seen[one.ID] {
			seen[one.ID] = true
			ids = append(ids, one.ID)
		}
	}
	if k == nil {
		im.caughtUp = t.state.Seq
	}
	return ids, nil
}

// overtake drops the import's change of a person who was edited meanwhile.
func (im *peopleImport) overtake(details *bbolt.Bucket, id string) error {
	v := details.Get([]byte(id))
	if v == nil {
		return nil
	}
	var c directory.Change
	if err := decode([]byte(id), v, &c); err != nil {
		return damaged(im.s.directory, bucketImports, []byte(id), err.Error())
	}
	switch c.Action {
	case directory.ActionCreate:
		im.counts.Created--
	case directory.ActionUpdate:
		im.counts.Updated--
	case directory.ActionDelete:
		im.counts.Deleted--
	}
	im.counts.Overtaken++
	return details.Delete([]byte(id))
}

func (im *peopleImport) switchOver(t *tenantTx) error {
	if t.state.Staging != im.generation {
		return errors.New("the staged generation is gone")
	}
	t.state.Generation, t.state.Staging, t.state.Import = im.generation, 0, 0
	counts := im.counts
	err := t.log(directory.Change{Seq: t.next(), At: im.in.At.UTC(), By: im.in.By, Action: directory.ActionImport,
		ID: "import-" + strconv.FormatUint(im.change, 10), Kind: directory.KindPerson, Import: &counts})
	if err != nil {
		return err
	}
	err = im.settle(t)
	im.last = t.state.Seq
	return err
}

// historyOfImports are the changes that imports made to a person.
func (t *tenantTx) historyOfImports(id string) (all []directory.Change, err error) {
	imports := t.b.Bucket(bucketImports)
	for _, k := range keysWith(imports, nil) {
		v := imports.Bucket(k).Get([]byte(id))
		if v == nil || bytes.Equal(k, number(t.state.Import)) { // still being staged
			continue
		}
		var c directory.Change
		if err := decode([]byte(id), v, &c); err != nil {
			return nil, damaged(t.db, bucketImports, []byte(id), err.Error())
		}
		all = append(all, c)
	}
	return all, nil
}

func sortChanges(all []directory.Change) {
	slices.SortFunc(all, func(a, b directory.Change) int { return cmp.Compare(a.Seq, b.Seq) })
}
