package store

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// operation is one change to calls.db.
type operation interface {
	// subject names what it changes. Operations on one subject are never written in another order than given.
	subject() string
	// prepare encodes it before any transaction; an error refuses it.
	prepare() error
	// look decides within the transaction what is left to write, reading only; an error refuses this operation alone.
	look(tx *bbolt.Tx) error
	// put writes it; an error fails the transaction.
	put(tx *bbolt.Tx) error
	// patient reports that nobody waits for it, so that it may be written a little later.
	patient() bool
	// ignoredKinds tells what look found that contradicts the disk.
	ignoredKinds() []string
}

// job is an operation that was given, and how it went.
type job struct {
	operation
	done  func(error)
	given time.Time
	err   error
}

const (
	// maxBatch bounds the jobs of one transaction.
	maxBatch = 1024
	// signOfLifeWaits is how long signs of life wait for each other or for something that somebody waits for: nobody waits
	// for them, and a thousand calls have 200 a second. What the same call has to say next waits with them.
	signOfLifeWaits = 50 * time.Millisecond
	// retryFor bounds the time spent on writing the jobs of a failed transaction one by one; the rest gets its error.
	retryFor = time.Second
)

// writer is the one goroutine that writes calls.db, and a second one that calls back, so that a slow done never holds up
// a transaction.
type writer struct {
	db      *bbolt.DB
	opts    Options
	log     *slog.Logger
	metrics *metrics
	stream  *stream

	// poisoned is set where bbolt panicked in a transaction: what it keeps in memory may be wrong, and writing on could
	// overwrite live pages. Only the writer's goroutine uses it.
	poisoned error

	mu       sync.Mutex // protects what follows; nothing waits while holding it
	queue    []*job
	writing  time.Time // when the oldest job of the running transaction was given; zero: none
	pending  int       // given and not yet called back
	stopped  bool
	results  []*job
	finished bool // no more results follow

	wake, tell chan struct{} // capacity 1: the queue, the results have changed
	done       sync.WaitGroup
}

func newWriter(db *bbolt.DB, o Options, st *stream) *writer {
	return &writer{db: db, opts: o, log: o.Logger, stream: st, wake: make(chan struct{}, 1), tell: make(chan struct{}, 1)}
}

func (w *writer) start(m *metrics) {
	w.metrics = m
	w.done.Go(w.write)
	w.done.Go(w.callBack)
}

// stop lets everything that was given be written and called back, and ends the goroutines.
func (w *writer) stop() {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	nudge(w.wake)
	w.done.Wait()
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// submit takes an operation. Those that open a call leave half of the room to those that let calls end.
func (w *writer) submit(op operation, opens bool, done func(error)) {
	j := &job{operation: op, done: done, given: time.Now()}
	limit := 2 * w.opts.MaxPending
	if opens {
		limit = w.opts.MaxPending
	}
	w.mu.Lock()
	switch {
	case w.stopped:
		w.mu.Unlock()
		w.metrics.errors.WithLabelValues(errClosed).Inc()
		go done(ErrClosed) // the goroutine that calls back may have ended
		return
	case w.pending >= limit:
		j.err = ErrBusy
		w.results = append(w.results, j)
		w.pending++
		w.mu.Unlock()
		w.metrics.errors.WithLabelValues(errBusy).Inc()
		nudge(w.tell)
		return
	}
	w.pending++
	w.queue = append(w.queue, j)
	w.mu.Unlock()
	nudge(w.wake)
}

func (w *writer) pendingCount() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return float64(w.pending)
}

// oldestPending is the age in seconds of the oldest job that is not yet durable.
func (w *writer) oldestPending() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case !w.writing.IsZero():
		return time.Since(w.writing).Seconds()
	case len(w.queue) > 0:
		return time.Since(w.queue[0].given).Seconds()
	}
	return 0
}

func (w *writer) write() {
	var last int        // jobs of the last transaction
	var ended time.Time // and when it ended
	for {
		batch := w.gather(last, ended)
		if batch == nil {
			break
		}
		w.flush(batch)
		last, ended = len(batch), time.Now()
		w.mu.Lock()
		w.writing = time.Time{}
		w.results = append(w.results, batch...)
		w.mu.Unlock()
		nudge(w.tell)
	}
	w.mu.Lock()
	w.finished = true
	w.mu.Unlock()
	nudge(w.tell)
}

// gather returns the jobs of the next transaction, nil once the writer is stopped and all is written. After an idle
// stretch it takes what there is; while the writer is busy it waits until as many have come as shared the last
// transaction, and at most MaxDelay from the oldest.
func (w *writer) gather(last int, ended time.Time) []*job {
	for {
		wait, stopped := w.wait(last, ended)
		switch {
		case wait == 0:
			return w.take()
		case wait < 0 && stopped:
			return nil
		case wait < 0:
			<-w.wake
		default:
			timer := time.NewTimer(wait)
			select {
			case <-w.wake:
			case <-timer.C:
			}
			timer.Stop()
		}
	}
}

// wait tells how long to wait before the next transaction, negative where there is nothing to write.
func (w *writer) wait(last int, ended time.Time) (d time.Duration, stopped bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return -1, w.stopped
	}
	oldest := w.queue[0].given
	if !w.stopped && len(w.queue) < maxBatch && !slices.ContainsFunc(w.queue, func(j *job) bool { return !j.patient() }) {
		return max(0, signOfLifeWaits-time.Since(oldest)), false
	}
	if w.stopped || len(w.queue) >= min(last, maxBatch) || oldest.Sub(ended) >= w.opts.MaxDelay {
		return 0, w.stopped
	}
	return max(0, w.opts.MaxDelay-time.Since(oldest)), false
}

func (w *writer) take() []*job {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxBatch)
	batch := w.queue[:n:n]
	w.queue = w.queue[n:]
	w.writing = batch[0].given
	return batch
}

// flush writes a batch and sets how each of its jobs went.
func (w *writer) flush(batch []*job) {
	alarm := time.AfterFunc(w.opts.SlowCommit-time.Since(batch[0].given), func() {
		w.log.Warn("store: commits are slow", "jobs", len(batch), "limit", w.opts.SlowCommit)
	})
	defer alarm.Stop()
	ready := make([]*job, 0, len(batch))
	for _, j := range batch {
		if j.err = j.prepare(); j.err == nil {
			ready = append(ready, j)
		}
	}
	if len(ready) > 0 {
		if err := w.transact(ready); err != nil {
			w.log.Error("store: transaction failed", "jobs", len(ready), "error", err)
			w.singly(ready, err)
		}
	}
	w.account(batch)
}

// singly writes the jobs of a failed transaction one by one, so that one that cannot be written does not keep its
// neighbours from it. Once a job has failed, later ones on the same subject fail with it, so that none overtakes.
func (w *writer) singly(jobs []*job, err error) {
	failed := map[string]error{}
	start := time.Now()
	for _, j := range jobs {
		switch before := failed[j.subject()]; {
		case before != nil:
			j.err = before
		case w.poisoned != nil, len(jobs) == 1, time.Since(start) > retryFor:
			j.err = err
		default:
			one := w.transact([]*job{j})
			if one == nil {
				continue // written, or refused
			}
			j.err = one
		}
		failed[j.subject()] = j.err
	}
}

// transact writes jobs in one transaction. A job that is refused has its err set; the error is that of the transaction,
// of which nothing was written then. (Where only the last sync failed, bbolt may show it all the same: that is why every
// operation may be given again, and why even a transaction that changes nothing is committed.)
func (w *writer) transact(jobs []*job) error {
	if w.poisoned != nil {
		return w.poisoned
	}
	err := guard(w.db.Path(), func() error {
		tx, err := w.db.Begin(true)
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		defer tx.Rollback()
		if err := w.stream.settle(tx); err != nil {
			return err
		}
		for _, j := range jobs {
			if j.err = j.look(tx); j.err != nil {
				continue
			}
			if err := j.put(tx); err != nil {
				return fmt.Errorf("write %q: %w", j.subject(), err)
			}
		}
		last := streamEnd(tx)
		start := time.Now()
		if err := w.opts.commitTx(tx); err != nil {
			w.stream.doubtful = true
			return fmt.Errorf("commit: %w", err)
		}
		w.stream.publish(last)
		w.metrics.fsync.Observe(time.Since(start).Seconds())
		w.metrics.batch.Observe(float64(len(jobs)))
		return nil
	})
	if broken := (*DamagedError)(nil); errors.As(err, &broken) && broken.Stack != nil {
		w.poisoned = err
		w.log.Error("store: no more commits are taken", "error", err, "stack", string(broken.Stack))
	}
	return err
}

// account counts how a batch went and logs what contradicts the disk.
func (w *writer) account(batch []*job) {
	for _, j := range batch {
		took := time.Since(j.given)
		if took > w.opts.SlowCommit {
			w.metrics.slow.Inc()
		}
		switch {
		case j.err == nil:
			w.metrics.commit.Observe(took.Seconds())
			for _, kind := range j.ignoredKinds() {
				w.metrics.ignored.WithLabelValues(kind).Inc()
				w.log.Error("store: ignored what contradicts the disk", "kind", kind, "subject", j.subject())
			}
		case errors.Is(j.err, ErrInvalid):
			w.metrics.errors.WithLabelValues(errInvalid).Inc()
		case errors.Is(j.err, ErrNoJournal):
			w.metrics.errors.WithLabelValues(errJournal).Inc()
		default:
			w.metrics.errors.WithLabelValues(errWrite).Inc()
		}
	}
}

// callBack tells those who gave jobs how they went, in order.
func (w *writer) callBack() {
	for {
		w.mu.Lock()
		results, finished := w.results, w.finished
		w.results = nil
		w.mu.Unlock()
		for _, j := range results {
			err := j.err
			if err != nil {
				err = fmt.Errorf("store: %w", err)
			}
			j.done(err)
			w.mu.Lock()
			w.pending--
			w.mu.Unlock()
		}
		if len(results) > 0 {
			continue
		}
		if finished {
			return
		}
		<-w.tell
	}
}
