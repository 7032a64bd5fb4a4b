package app

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"telefonist/directory"
	"telefonist/search"
	"telefonist/store"
	"telefonist/web"
)

// finder keeps the search index in step with the directories, and lets web ask it.
type finder struct {
	store   *store.Store
	tenants func() *directory.Directory
	log     *slog.Logger
	index   *search.Index

	mu    sync.Mutex // protects dirty
	dirty map[string]bool
	wake  chan struct{} // one place: somebody is dirty
	last  map[string]uint64
	stop  context.CancelFunc
	done  chan struct{}
}

// startFinder makes an index in which no tenant is open yet, and follows the directories' changes.
func (a *App) startFinder() (*finder, error) {
	f := &finder{store: a.store, tenants: a.tenants.Load, log: a.log, dirty: map[string]bool{}, wake: make(chan struct{}, 1),
		last: map[string]uint64{}, done: make(chan struct{})}
	var err error
	if f.index, err = search.New(f, search.Config{Registerer: a.reg}); err != nil {
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
		defer cancel()
		f.follow(ctx)
	}()
	return f, nil
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

// follow brings the changes of tenants into the index.
func (f *finder) follow(ctx context.Context) {
	for {
		select {
		case <-f.wake:
		case <-ctx.Done():
			return
		}
		f.mu.Lock()
		dirty := f.dirty
		f.dirty = map[string]bool{}
		f.mu.Unlock()
		for tenant := range dirty {
			if err := f.catchUp(ctx, tenant); err != nil && ctx.Err() == nil {
				f.log.Error("search could not follow a directory: it is indexed anew", "tenant", tenant, "err", err)
				f.index.Close(tenant)
			}
		}
	}
}

// catchUp applies a tenant's changes since the last one that is in the index. After an import all of it is read anew.
func (f *finder) catchUp(ctx context.Context, tenant string) error {
	for {
		changes, err := f.store.Changes(tenant, f.last[tenant], 1000)
		if err != nil || len(changes) == 0 {
			return err
		}
		for _, c := range changes {
			f.last[tenant] = c.Seq
			if err := f.apply(ctx, tenant, c); err != nil {
				return err
			}
		}
	}
}

func (f *finder) apply(ctx context.Context, tenant string, c directory.Change) error {
	switch {
	case c.Action == directory.ActionImport:
		return f.index.Build(ctx, tenant, f.Docs(ctx, tenant))
	case c.New == nil:
		f.index.Delete(tenant, docID(c.Kind, c.ID))
		return nil
	}
	d, ok, err := docOf(directory.Item{Kind: c.Kind, ID: c.ID, Doc: c.New})
	if ok && err == nil {
		f.index.Put(tenant, d)
	}
	return err
}

// reloaded brings common numbers that a reload changed into the index.
func (f *finder) reloaded(before, now *directory.Directory) {
	for _, t := range now.Tenants() {
		was, _ := before.Tenant(t.ID)
		for _, c := range was.Common {
			if !slices.Contains(t.Common, c) {
				f.index.Delete(t.ID, docID(kindCommon, c.Number))
			}
		}
		for _, c := range t.Common {
			if !slices.Contains(was.Common, c) {
				f.index.Put(t.ID, commonDoc(c))
			}
		}
	}
}

func commonDoc(c directory.CommonNumber) search.Doc {
	return search.Doc{ID: docID(kindCommon, c.Number), Kind: search.CommonNumber, Names: []string{c.Name}, Numbers: []string{c.Number}}
}

// docID names a document of the index.
func docID(k directory.Kind, id string) string { return string(k) + ":" + id }

// kindCommon is that of a common number's documents; the numbers are the configuration's, not items.
const kindCommon directory.Kind = "common_number"

// Docs implements search.Source.
func (f *finder) Docs(ctx context.Context, tenant string) iter.Seq2[search.Doc, error] {
	return func(yield func(search.Doc, error) bool) {
		t, _ := f.tenants().Tenant(tenant)
		for _, c := range t.Common {
			if !yield(commonDoc(c), nil) {
				return
			}
		}
		for _, k := range []directory.Kind{directory.KindPerson, directory.KindOffice, directory.KindQuestion, directory.KindInstructions} {
			for after, more := "", true; more; {
				items, err := f.store.Items(tenant, k, "", after, 1000)
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					yield(search.Doc{}, err)
					return
				}
				more = len(items) == 1000
				for _, it := range items {
					after = it.ID
					if d, ok, err := docOf(it); (ok || err != nil) && !yield(d, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

// docOf gives what can be found of an item; ok is false for kinds that are not searched.
func docOf(it directory.Item) (d search.Doc, ok bool, err error) {
	d.ID = docID(it.Kind, it.ID)
	switch it.Kind {
	case directory.KindPerson:
		var p directory.Person
		err = json.Unmarshal(it.Doc, &p)
		d.Kind, d.Names, d.Keywords, d.Title, d.Department, d.Office, d.Languages = search.Person, []string{p.Name()}, p.Keywords, p.Title, p.Department, p.Office, p.Languages
		for _, n := range p.Numbers {
			d.Numbers = append(d.Numbers, n.Number)
		}
		text := []string{p.Email, p.Notes}
		for _, r := range p.Responsibilities {
			text = append(text, r.What)
		}
		d.Text = strings.Join(text, "\n")
	case directory.KindOffice:
		var o directory.Office
		err = json.Unmarshal(it.Doc, &o)
		d.Kind, d.Names, d.Text = search.Office, []string{o.Name}, o.Address+"\n"+o.Particulars
	case directory.KindQuestion:
		var q directory.Question
		err = json.Unmarshal(it.Doc, &q)
		d.Kind, d.Title, d.Keywords, d.Text = search.Question, q.Question, q.Keywords, q.Answer
	case directory.KindInstructions:
		var i directory.Instructions
		err = json.Unmarshal(it.Doc, &i)
		text := []string{i.Answer}
		for _, r := range i.Connect {
			text = append(text, r.Text)
		}
		for _, c := range i.Contacts {
			text = append(text, c.Name, c.About)
		}
		d.Kind, d.Text = search.Instruction, strings.Join(text, "\n")
	default:
		return d, false, nil
	}
	return d, true, err
}

// Search implements web.Searcher.
func (f *finder) Search(ctx context.Context, tenant, query string, limit int) ([]web.Hit, error) {
	found, err := f.index.Search(ctx, tenant, query, search.Options{Limit: limit})
	if err != nil {
		return nil, err
	}
	hits := make([]web.Hit, 0, len(found))
	for _, h := range found {
		kind, id, _ := strings.Cut(h.ID, ":")
		hits = append(hits, web.Hit{Kind: kind, ID: id, Score: h.Score})
	}
	return hits, nil
}
