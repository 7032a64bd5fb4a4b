package flows

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/record"
	"telefonist/store"
	"telefonist/switchboard"
)

// gate holds up whoever comes to it while it is shut. The zero value is open.
type gate struct {
	mu   sync.Mutex // protects what follows
	shut chan struct{}
	held int // who waits, or has waited
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.shut)
	g.shut = nil
}

func (g *gate) pass() {
	g.mu.Lock()
	shut := g.shut
	if shut != nil {
		g.held++
	}
	g.mu.Unlock()
	if shut != nil {
		<-shut
	}
}

func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

// gates are where adapters can be made to block.
type gates struct {
	socket gate   // writing to one address
	to     string // that address
	audio  gate   // negotiating for one party's legs
	party  string
	disk   gate // the writer of the store

	mu    sync.Mutex // protects what follows
	n     int
	fails func(n int) bool // which commits fail; nil: none
	ever  bool             // some have
}

// failing sets which commits fail from now on.
func (g *gates) failing(f func(n int) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fails = f
}

// fail tells whether the next commit does.
func (g *gates) fail() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n++
	fails := g.fails != nil && g.fails(g.n)
	g.ever = g.ever || fails
	return fails
}

// clogged is the server's socket.
type clogged struct {
	net.PacketConn
	gates *gates
}

func (c clogged) WriteTo(b []byte, to net.Addr) (int, error) {
	if to.String() == c.gates.to {
		c.gates.socket.pass()
	}
	return c.PacketConn.WriteTo(b, to)
}

// hanging is a store whose disk may hang: commits are taken, in order, and wait.
type hanging struct {
	*store.Store
	gates *gates
	mu    sync.Mutex // protects what follows
	queue []func()
	runs  bool
}

func (h *hanging) Commit(c record.Commit, done func(error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	write := func() { h.Store.Commit(c, done) }
	if h.gates.fail() {
		write = func() { done(errDisk) }
	}
	h.queue = append(h.queue, write)
	if !h.runs {
		h.runs = true
		go h.run()
	}
}

func (h *hanging) run() {
	for {
		h.gates.disk.pass()
		h.mu.Lock()
		batch := h.queue
		h.queue, h.runs = nil, len(batch) > 0
		h.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, commit := range batch {
			commit()
		}
	}
}

// quick asks the loop something: it must answer without any time going by.
func (s *stage) quick() switchboard.Snapshot {
	s.t.Helper()
	before := time.Now()
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	now, err := s.board.Snapshot(ctx)
	if took := time.Since(before); took != 0 || err != nil {
		s.t.Fatalf("the loop answers after %v, %v", took, err)
	}
	return now
}

// others go on while something hangs: a whole call of Lisa's with Bo.
func (s *stage) others() {
	s.t.Helper()
	begun := time.Since(monday)
	s.calls("lisa")
	s.quick()
	s.answers("bo")
	s.desk("bo", call.ActHold)
	s.desk("bo", call.ActResume)
	s.desk("bo", call.ActConnect, "205")
	s.answers("205")
	s.hangsUp("205")
	s.quick()
	if took := time.Since(monday) - begun; took != 7*settles {
		s.t.Errorf("they were held up: %v", took)
	}
	for _, r := range s.all() {
		if s.said.caller(r.Parties.Caller) == "lisa" && (r.Outcome != call.OutcomeMediated || r.WaitedMS > 300) {
			s.t.Errorf("Lisa's call: %s after %d ms", r.Outcome, r.WaitedMS)
		}
	}
}

// TestTheLoopGoesOnWhileAdaptersBlock has what stands behind the switchboard hang: for the call that it concerns nothing goes on, for all
// others everything does.
func TestTheLoopGoesOnWhileAdaptersBlock(t *testing.T) {
	for _, c := range []struct {
		name string
		gate func(g *gates) *gate
	}{
		{"a socket that takes nothing", func(g *gates) *gate { g.to = "198.51.100.20:5062"; return &g.socket }},
		{"audio that is not negotiated", func(g *gates) *gate { g.party = "anna"; return &g.audio }},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, world("", anna, bo), func(s *stage) {
				g := c.gate(s.gates)
				g.close()
				s.calls("kalle") // offered to Anna, whose phone is not reached
				s.others()
				if g.count() == 0 {
					t.Error("nothing hangs")
				}
				s.hangsUp("kalle")
				s.after(10 * second)
				g.open()
				s.after(time.Minute)
			})
		})
	}
	t.Run("a disk that hangs", func(t *testing.T) {
		play(t, world("", anna, bo), func(s *stage) {
			s.calls("kalle")
			s.answers("anna")
			s.gates.disk.close()
			s.after(6 * second) // a sign of life is due
			s.quick()
			s.desk("anna", call.ActHold) // what needs no disk
			s.desk("anna", call.ActResume)
			s.calls("lisa") // what does waits, and is refused
			s.after(2 * second)
			s.quick()
			s.hangsUp("anna")
			if n := len(s.quick().Calls); n != 2 {
				t.Errorf("%d calls, want those of Kalle and Lisa until they are written", n)
			}
			if s.gates.disk.count() == 0 {
				t.Error("nothing hangs")
			}
			s.after(10 * second)
			s.gates.disk.open()
			s.after(10 * second)
			for _, r := range s.all() {
				if who := s.said.caller(r.Parties.Caller); who == "kalle" && (r.Row == nil || r.HandledMS < 8000 || r.HandledMS > 9000) || who == "lisa" && r.Cause != call.CauseStore {
					t.Errorf("%s: %s (%s), handled %d ms", who, r.Outcome, r.Cause, r.HandledMS)
				}
			}
		})
	})
}
