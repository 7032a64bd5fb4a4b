package app

import (
	"context"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"telefonist/directory"
	"telefonist/record"
	"telefonist/search"
	"telefonist/store"
)

// finder keeps the search index in step with the directories, and lets web ask it.
type finder struct {
	store   *store.Store
	tenants func() *directory.Directory
	log     *slog.Logger
	index   *search.Index

	mu    sync.Mutex // protects dirty and anew
	dirty map[string]bool
	// anew are the tenants all of whose documents are being read; true: once more after that, for a change that came meanwhile.
	anew   map[string]bool
	builds sync.WaitGroup // those of anew; only follow adds to it

	wake  chan struct{} // one place: somebody is dirty
	last  map[string]uint64
	known sync.Map           // tenants whose choices were read
	calls chan record.Record // that ended with a connection
	stop  context.CancelFunc
	done  chan struct{}
}

// changesPage is how many changes of a tenant are taken before it is the next one's turn.
const changesPage = 1000

// startFinder makes an index in which no tenant is open yet, and follows the directories' changes. Half of the processors may read documents
// at a time: the rest is left to calls.
func startFinder(s *store.Store, tenants func() *directory.Directory, log *slog.Logger, reg prometheus.Registerer) (*finder, error) {
	f := &finder{store: s, tenants: tenants, log: log, dirty: map[string]bool{}, anew: map[string]bool{}, wake: make(chan struct{}, 1),
		last: map[string]uint64{}, calls: make(chan record.Record, 1024), done: make(chan struct{})}
	var err error
	if f.index, err = search.New(f, search.Config{Registerer: reg, Builders: runtime.GOMAXPROCS(0) / 2}); err != nil {
		return nil, err
	}
	all, err := f.store.TenantsWithDirectory()
	if err != nil {
		return nil, err
	}
	for _, tenant := range all {
		if f.last[tenant], err = f.store.Seq(tenant); err != nil {
			return nil, err
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	cancel := f.store.Subscribe(f.changed)
	go func() {
		defer close(f.done)
		defer f.builds.Wait()
		defer cancel()
		f.follow(ctx)
	}()
	return f, nil
}

// ended hears of a call's record on the switchboard's goroutine, which never waits: where too many end at once, some are not counted.
func (f *finder) ended(r *record.Record) {
	if r == nil || r.Mediated == "" {
		return
	}
	select {
	case f.calls <- *r:
	default:
	}
}

func (f *finder) close() { f.stop(); <-f.done }

// changed hears of a change on the goroutine of whoever made it.
func (f *finder) changed(tenant string, _ uint64) {
	f.mu.Lock()
	f.dirty[tenant] = true
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// follow brings the changes of tenants into the index. It waits for nothing that takes longer where a tenant is larger.
func (f *finder) follow(ctx context.Context) {
	for {
		select {
		case <-f.wake:
		case r := <-f.calls:
			f.connected(r)
			continue
		case <-ctx.Done():
			return
		}
		f.mu.Lock()
		dirty := f.dirty
		f.dirty = map[string]bool{}
		f.mu.Unlock()
		for tenant := range dirty {
			more, err := f.catchUp(ctx, tenant)
			if err != nil {
				f.lost(ctx, tenant, err)
			}
			if more {
				f.changed(tenant, 0)
			}
		}
	}
}

// lost has a tenant that could not be followed indexed anew, by the next search for it.
func (f *finder) lost(ctx context.Context, tenant string, err error) {
	if ctx.Err() != nil {
		return
	}
	f.log.Error("search could not follow a directory: it is indexed anew", "tenant", tenant, "err", err)
	f.index.Close(tenant)
	f.known.Delete(tenant)
}

// catchUp applies a page of a tenant's changes since the last one that is in the index; more tells that there may be others.
func (f *finder) catchUp(ctx context.Context, tenant string) (more bool, err error) {
	changes, err := f.store.Changes(tenant, f.last[tenant], changesPage)
	if err != nil || len(changes) == 0 {
		return false, err
	}
	f.last[tenant] = changes[len(changes)-1].Seq
	put, gone, all, err := f.page(tenant, changes)
	if err != nil {
		return false, err
	}
	f.index.Delete(tenant, gone...)
	f.index.Put(tenant, put...)
	if all {
		f.build(ctx, tenant)
	}
	return len(changes) == changesPage, nil
}

// page gives what a page of changes puts into the index and what it takes away; all tells that more is concerned than the changes name: after an
// import, and where an office is called something else, since people are found by it.
func (f *finder) page(tenant string, changes []directory.Change) (put []search.Doc, gone []string, all bool, err error) {
	last := map[string]directory.Change{} // of each document
	for _, c := range changes {
		switch {
		case c.Action == directory.ActionImport:
			all = true
			continue
		case c.Kind == directory.KindOffice && officeName(c.Old) != officeName(c.New):
			all = true
		}
		if slices.Contains(searched, c.Kind) {
			last[docID(c.Kind, c.ID)] = c
		}
	}
	offices := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(last)) {
		c := last[id]
		if c.New == nil {
			gone = append(gone, id)
			continue
		}
		d, ok, err := f.docOf(tenant, directory.Item{Kind: c.Kind, ID: c.ID, Doc: c.New}, offices)
		if err != nil {
			return nil, nil, false, err
		}
		if ok {
			put = append(put, d)
		}
	}
	return put, gone, all, nil
}

// build reads all of a tenant's documents anew, beside what else is followed. However many changes ask for it while that goes on, it is done once
// more and no oftener.
func (f *finder) build(ctx context.Context, tenant string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, runs := f.anew[tenant]
	f.anew[tenant] = runs
	if runs {
		return
	}
	f.builds.Go(func() {
		for again := true; again; {
			if err := f.index.Build(ctx, tenant, f.Docs(ctx, tenant)); err != nil {
				f.lost(ctx, tenant, err)
			}
			f.mu.Lock()
			if again = f.anew[tenant]; again {
				f.anew[tenant] = false
			} else {
				delete(f.anew, tenant)
			}
			f.mu.Unlock()
		}
	})
}
