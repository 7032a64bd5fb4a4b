package search

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// open gives a tenant's view. The first who asks indexes it; others wait for that.
func (x *Index) open(ctx context.Context, tenant string) (*view, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x.mu.Lock()
		e := x.entries[tenant]
		if e == nil {
			e = &entry{tenant: tenant, job: &job{done: make(chan struct{})}}
			x.entries[tenant] = e
			x.mu.Unlock()
			if err := x.run(ctx, e, x.source.Docs(ctx, tenant)); err != nil {
				return nil, err
			}
			return e.view.Load(), nil
		}
		if v := e.view.Load(); v != nil {
			if e.place != nil {
				x.used.MoveToFront(e.place)
			}
			x.mu.Unlock()
			return v, nil
		}
		running := e.job
		x.mu.Unlock()
		select {
		case <-running.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		// Whoever indexed may have lost patience where this caller has not: then it is this one's turn.
		if running.err != nil && !errors.Is(running.err, context.Canceled) && !errors.Is(running.err, context.DeadlineExceeded) {
			return nil, running.err
		}
	}
}

// run does the job that the caller has set on the entry. Whatever happens, the job ends.
func (x *Index) run(ctx context.Context, e *entry, docs iter.Seq2[Doc, error]) (err error) {
	start := time.Now()
	err = errors.New("the source panicked")
	var v *view
	defer func() { x.end(e, v, err) }()
	if v, err = x.index(ctx, docs); err != nil {
		err = fmt.Errorf("index tenant %s: %w", e.tenant, err)
		return err
	}
	x.metrics.open.Observe(time.Since(start).Seconds())
	return nil
}

// index makes a view of documents, when a builder's place is free.
func (x *Index) index(ctx context.Context, docs iter.Seq2[Doc, error]) (*view, error) {
	select {
	case x.builds <- struct{}{}:
		defer func() { <-x.builds }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	b := newBuilder(x.cfg.Country)
	for d, err := range docs {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		b.add(d)
	}
	return &view{base: b.finish(), delta: empty}, nil
}

// end puts a job's view in place, with the changes made meanwhile, and tells who waits.
func (x *Index) end(e *entry, v *view, err error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	for {
		x.mu.Lock()
		pending := e.job.pending
		if err != nil || len(pending) == 0 {
			break
		}
		e.job.pending = nil
		x.mu.Unlock()
		v = v.with(x.cfg.Country, pending)
	}
	defer x.mu.Unlock()
	j := e.job
	e.job, j.err = nil, err
	defer close(j.done)
	if err != nil {
		x.metrics.failed.Inc()
		if e.view.Load() == nil && x.entries[e.tenant] == e {
			delete(x.entries, e.tenant)
		}
		return
	}
	e.view.Store(v)
	if x.entries[e.tenant] != e {
		return // closed meanwhile
	}
	if e.place == nil {
		e.place = x.used.PushFront(e)
	}
	x.weigh(e, v)
}

// apply changes a tenant's view, and what is being indexed.
func (x *Index) apply(tenant string, changes []change) {
	if len(changes) == 0 {
		return
	}
	x.mu.Lock()
	e := x.entries[tenant]
	if e != nil && e.job != nil {
		e.job.pending = append(e.job.pending, changes...)
	}
	x.mu.Unlock()
	if e == nil || e.view.Load() == nil {
		return
	}
	e.writing.Lock()
	defer e.writing.Unlock()
	v := e.view.Load().with(x.cfg.Country, changes)
	e.view.Store(v)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.entries[tenant] == e {
		x.weigh(e, v)
	}
}

// weigh accounts for an entry's new view, and closes others where there is too much. Index.mu is held.
func (x *Index) weigh(e *entry, v *view) {
	x.bytes += v.bytes() - e.bytes
	e.bytes = v.bytes()
	for el := x.used.Back(); x.cfg.MaxBytes > 0 && x.bytes > x.cfg.MaxBytes && x.used.Len() > 1 && el != nil; {
		old := el.Value.(*entry)
		el = el.Prev()
		if old != e && old.job == nil {
			x.remove(old)
			x.metrics.evicted.Inc()
		}
	}
}

// remove drops an entry. Searches that have its view go on. Index.mu is held.
func (x *Index) remove(e *entry) {
	delete(x.entries, e.tenant)
	if e.place != nil {
		x.used.Remove(e.place)
		e.place = nil
		x.bytes -= e.bytes
	}
}
