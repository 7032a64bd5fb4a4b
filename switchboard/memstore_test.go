package switchboard

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/record"
)

var errDisk = errors.New("disk is full")

// memStore is a store in memory that checks what it is given and can be slow and fail. It writes in order.
type memStore struct {
	t testing.TB

	mu      sync.Mutex
	waiting []func()
	busy    bool
	n       int
	fails   func(n int) bool          // whether the n-th commit fails
	delay   func(n int) time.Duration // how long it takes
	journal map[call.ID]*record.Open
	records map[call.ID]record.Record
	outbox  map[string]int // how often each message was written anew
	stream  []record.StreamEvent
	kept    map[string]record.Kept
}

func newMemStore(t testing.TB) *memStore {
	return &memStore{t: t, journal: map[call.ID]*record.Open{}, records: map[call.ID]record.Record{}, outbox: map[string]int{}, kept: map[string]record.Kept{},
		fails: func(int) bool { return false }, delay: func(int) time.Duration { return time.Millisecond }}
}

// failing sets what fails from now on.
func (s *memStore) failing(f func(n int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = f
}

func (s *memStore) slow(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = func(int) time.Duration { return d }
}

func (s *memStore) Commit(c record.Commit, done func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Call == "" { // what stands beside calls comes with every start: it takes no time, so that calls tell the same
		s.besides(c)
		go done(nil)
		return
	}
	s.waiting = append(s.waiting, func() { done(s.write(c)) })
	if !s.busy {
		s.busy = true
		go s.work()
	}
}

func (s *memStore) work() {
	for {
		s.mu.Lock()
		if len(s.waiting) == 0 {
			s.busy = false
			s.mu.Unlock()
			return
		}
		next := s.waiting[0]
		s.waiting = s.waiting[1:]
		d := s.delay(s.n)
		s.mu.Unlock()
		time.Sleep(d)
		next()
	}
}

func (s *memStore) besides(c record.Commit) {
	s.stream = append(s.stream, c.Stream...)
	for _, k := range c.Kept {
		if k.Doc == nil {
			delete(s.kept, string(k.Kind)+"/"+k.ID)
			continue
		}
		s.kept[string(k.Kind)+"/"+k.ID] = k
	}
}

func (s *memStore) write(c record.Commit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	if s.fails(s.n) {
		return errDisk
	}
	s.mail(c)
	s.besides(c)
	old, recorded := s.records[c.Call]
	if recorded {
		if c.Final != nil && text(s.t, old) != text(s.t, *c.Final) {
			s.t.Errorf("call %s has two records", c.Call)
		}
		return nil
	}
	j := s.journal[c.Call]
	if c.Head != nil && j == nil {
		j = &record.Open{Head: *c.Head}
		s.journal[c.Call] = j
	}
	if j == nil && c.Final == nil {
		return errors.New("no journal")
	}
	if j != nil && c.First > len(j.Story) {
		s.t.Errorf("call %s: story has a hole before %d", c.Call, c.First)
	}
	for i, e := range c.Entries {
		if j != nil && c.First+i == len(j.Story) {
			j.Story = append(j.Story, e)
		}
	}
	if c.Heartbeat != nil {
		j.Heartbeat = *c.Heartbeat
	}
	if c.Final != nil {
		s.final(c, j)
	}
	return nil
}

// mail keeps messages and checks that those of an event come with it.
func (s *memStore) mail(c record.Commit) {
	here := map[string]bool{}
	for _, m := range c.Messages {
		if s.outbox[m.ID] == 0 {
			s.outbox[m.ID]++
		}
		here[record.MessagedReason(&m)] = true
	}
	for _, e := range c.Entries {
		if e.Kind == call.KindMessaged && !here[e.Reason] {
			s.t.Errorf("call %s: the story says %s without its message", c.Call, e.Reason)
		}
	}
}

func (s *memStore) final(c record.Commit, j *record.Open) {
	if j != nil {
		for i, e := range j.Story {
			if text(s.t, e) != text(s.t, c.Final.Story[i]) {
				s.t.Errorf("call %s: entry %d of the journal is not that of the record", c.Call, i)
			}
		}
		if again := record.Fold(j.Head, c.Final.Story); text(s.t, again) != text(s.t, *c.Final) {
			s.t.Errorf("call %s: record is not what its story folds to", c.Call)
		}
	}
	delete(s.journal, c.Call)
	s.records[c.Call] = *c.Final
}

func (s *memStore) all() []record.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []record.Record
	for _, r := range s.records {
		all = append(all, r)
	}
	return all
}

func (s *memStore) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.journal)
}

func text(t testing.TB, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
