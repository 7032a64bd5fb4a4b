package search

import (
	"container/list"
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"telefonist/directory"
)

// Source gives the documents of a tenant as they stand. It may give an error once, as the last of the sequence.
type Source interface {
	Docs(ctx context.Context, tenant string) iter.Seq2[Doc, error]
}

// Config of an index. The zero value is good for Sweden.
type Config struct {
	// Country is the calling code of numbers written with a leading 0; empty means 46.
	Country string
	// MaxBytes of memory for open indexes, the least recently used of which are closed beyond it; one is always kept open.
	// 0 means 1 GiB, negative means no limit.
	MaxBytes int64
	// Builders is how many tenants are indexed at a time, each on one processor; 0 means 1.
	Builders int
	// Registerer for metrics; nil for none.
	Registerer prometheus.Registerer
}

// Options of a search.
type Options struct {
	// Limit is the most hits given; 0 means 20, and 500 is the most.
	Limit int
	// Now is the time that choices have aged to; zero leaves them as they were when made.
	Now time.Time
	// Boosts are choices by document that count for this search alone, as those of the current caller.
	Boosts map[string]float64
}

const (
	defaultLimit = 20
	maxLimit     = 500
)

// Stats tell what is open.
type Stats struct {
	Tenants, Documents int
	Bytes              int64
}

// Index finds documents, in an index of its own for every tenant. Its methods may be called from many goroutines.
type Index struct {
	source  Source
	cfg     Config
	builds  chan struct{} // a place for each builder at work
	metrics *metrics

	mu      sync.Mutex // protects all below and the parts of entries that say so; taken after an entry's writing
	entries map[string]*entry
	used    *list.List // of open entries, the most recently used first
	bytes   int64
	chosen  map[string]choices
}

// entry is one tenant's index.
type entry struct {
	tenant  string
	view    atomic.Pointer[view] // nil until opened
	writing sync.Mutex           // held while the next view is made

	// Protected by Index.mu.
	job   *job          // indexing that goes on, or nil
	place *list.Element // among the used; nil when not open
	bytes int64
}

// job is one indexing of all of a tenant's documents.
type job struct {
	done    chan struct{}
	err     error    // valid when done
	pending []change // made while it goes on
}

// New makes an index in which no tenant is open: it is ready at once, and opens a tenant when it is first asked for.
func New(source Source, cfg Config) (*Index, error) {
	if cfg.Country == "" {
		cfg.Country = "46"
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 1 << 30
	}
	x := &Index{source: source, cfg: cfg, builds: make(chan struct{}, max(cfg.Builders, 1)), entries: map[string]*entry{}, used: list.New(),
		chosen: map[string]choices{}}
	var err error
	if x.metrics, err = newMetrics(cfg.Registerer, x.Stats); err != nil {
		return nil, fmt.Errorf("register search metrics: %w", err)
	}
	return x, nil
}

// Search gives the documents of a tenant in which every word of the query was found, best first, and opens the tenant's index
// if need be. A query without a letter or a digit finds nothing. Errors are those of the source and of ctx.
func (x *Index) Search(ctx context.Context, tenant, query string, o Options) ([]Hit, error) {
	v, err := x.open(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	start := time.Now()
	defer func() { x.metrics.search.Observe(time.Since(start).Seconds()) }()
	if o.Limit <= 0 {
		o.Limit = defaultLimit
	}
	o.Limit = min(o.Limit, maxLimit)
	x.mu.Lock()
	chosen := x.chosen[tenant].with(o.Boosts, o.Now)
	x.mu.Unlock()
	joined, apart := parse(query, x.cfg.Country)
	hits, err := v.search(ctx, joined, o.Limit, chosen)
	if err == nil && len(hits) == 0 && len(apart) > 0 {
		hits, err = v.search(ctx, apart, o.Limit, chosen)
	}
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return hits, nil
}

// Open opens a tenant's index ahead of the first search, as when a call for it begins to wait.
func (x *Index) Open(ctx context.Context, tenant string) error {
	_, err := x.open(ctx, tenant)
	return err
}

// Build indexes a tenant anew from the documents given, as after an import. Until it is done, searches go on in what there was.
// After an error nothing has changed.
func (x *Index) Build(ctx context.Context, tenant string, docs iter.Seq2[Doc, error]) error {
	for {
		x.mu.Lock()
		e := x.entries[tenant]
		if e == nil {
			e = &entry{tenant: tenant}
			x.entries[tenant] = e
		}
		running := e.job
		if running == nil {
			e.job = &job{done: make(chan struct{})}
		}
		x.mu.Unlock()
		if running == nil {
			return x.run(ctx, e, docs)
		}
		select {
		case <-running.done:
		case <-ctx.Done():
			return fmt.Errorf("build index of %s: %w", tenant, ctx.Err())
		}
	}
}

// Put makes documents searchable before it returns, new ones and changed ones. Call it after the change is where the source
// reads it, and the changes of one document one after the other. A tenant that is not open needs nothing.
func (x *Index) Put(tenant string, docs ...Doc) {
	changes := make([]change, len(docs))
	for i, d := range docs {
		changes[i] = change{doc: d}
	}
	x.apply(tenant, changes)
}

// Delete takes documents away, and what is remembered of their having been chosen. As for Put, the source comes first.
func (x *Index) Delete(tenant string, ids ...string) {
	changes := make([]change, len(ids))
	x.mu.Lock()
	for i, id := range ids {
		changes[i] = change{doc: Doc{ID: id}, away: true}
		delete(x.chosen[tenant], id)
	}
	x.mu.Unlock()
	x.apply(tenant, changes)
}

// Boost counts that a document was chosen; what was chosen often and lately ranks before what matches as well.
func (x *Index) Boost(tenant, id string, at time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.chosen[tenant] == nil {
		x.chosen[tenant] = choices{}
	}
	x.chosen[tenant].add(id, at)
}

// Remember sets what was chosen of a tenant before, in place of what is remembered, as when a server begins anew.
func (x *Index) Remember(tenant string, before map[string]directory.Choice) {
	all := choices{}
	for id, c := range before {
		if all[id] = c; len(all) > maxChoices {
			all.forgetLeast(time.Time{})
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.chosen[tenant] = all
}

// Close forgets a tenant: its index and what was chosen. The next search opens it again.
func (x *Index) Close(tenant string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.chosen, tenant)
	if e := x.entries[tenant]; e != nil {
		x.remove(e)
	}
}

// Stats tells what is open now.
func (x *Index) Stats() (s Stats) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for el := x.used.Front(); el != nil; el = el.Next() {
		s.Documents += el.Value.(*entry).view.Load().documents()
	}
	s.Tenants, s.Bytes = x.used.Len(), x.bytes
	return s
}
