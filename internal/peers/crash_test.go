package peers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"telefonist/record"
	"telefonist/store"
)

// TestAKillAtAnyInstantLosesNoCall kills the server under load again and again, and compares what SIPp saw on the wire
// with the records: every call that was answered with more than 100 has exactly one record, every one that a receptionist
// talked to has a row, no record tells of a call that was never made, and the peers left behind are sent BYE.
func TestAKillAtAnyInstantLosesNoCall(t *testing.T) {
	rounds, seed := rounds(t), uint64(time.Now().UnixNano())
	if s := os.Getenv("TELEFONIST_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("%d rounds, TELEFONIST_SEED=%d", rounds, seed)
	random := rand.New(rand.NewPCG(seed, 1))
	agents := []string{"a1", "a2", "a3", "a4", "a5", "a6"}
	s := newServer(t, setup{agents: agents})
	var phones []*sipp
	for i, id := range agents {
		host := strconv.Itoa(21 + i)
		s.register(id, host)
		phones = append(phones, s.phone("phone-answer", host, play{calls: 1 << 30, timeout: 24 * time.Hour}))
	}
	s.awaitAgents(len(agents), "available")
	w := newWitness()
	for round := range rounds {
		load := s.dial("trunk-load", play{calls: 60, rate: 20, pause: time.Duration(100+random.IntN(400)) * time.Millisecond})
		life := time.Duration(200+random.IntN(2300)) * time.Millisecond
		<-time.After(life) // the instant of the kill is the test's subject
		s.kill()
		killed := time.Now()
		s.start()
		s.awaitMetric("telefonist_calls_active 0")
		load.stop()
		w.trunk(t, round, readMessages(t, load.messages()), killed)
		if err := os.Remove(load.messages()); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range phones {
		p.stop()
		w.phone(readMessages(t, p.messages()))
	}
	s.terminate()
	_ = s.awaitExit()
	w.compare(t, filepath.Join(s.dir, "data"))
}

func rounds(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("TELEFONIST_CRASH_ROUNDS"))
	if err != nil {
		return 10
	}
	return n
}

// seen is one call as the wire showed it.
type seen struct {
	accepted bool // a provisional other than 100, or a 200, arrived
	caller   string
}

type witness struct {
	calls  map[string]*seen // by SIP Call-ID
	talked map[string]bool  // callers whose receptionist's phone was in a call long enough for audio
	kills  []time.Time
}

func newWitness() *witness {
	return &witness{calls: map[string]*seen{}, talked: map[string]bool{}}
}

// trunk takes what the PBX saw in one round.
func (w *witness) trunk(t *testing.T, round int, all []message, killed time.Time) {
	t.Helper()
	w.kills = append(w.kills, killed)
	connected, over := map[string]bool{}, map[string]bool{}
	for _, m := range all {
		c := w.calls[m.callID]
		if c == nil {
			c = &seen{caller: m.from}
			w.calls[m.callID] = c
		}
		if m.response("18", "INVITE") || m.response("200", "INVITE") {
			c.accepted = true
		}
		if m.response("200", "INVITE") && m.at.Before(killed) {
			connected[m.callID] = true
		}
		if len(m.first) > 4 && m.first[:4] == "BYE " {
			over[m.callID] = true // by either side
		}
	}
	left := 0
	for id := range connected {
		if !over[id] {
			left++
			t.Errorf("round %d: call %s stands at the PBX: no BYE came after the restart", round, id)
		}
	}
	if len(all) == 0 {
		t.Errorf("round %d: SIPp saw nothing", round)
	}
}

// phone takes what a receptionist's phone saw. A call counts as talked where it stood for 100 ms after ACK before a BYE
// or a kill: far longer than a commit.
func (w *witness) phone(all []message) {
	begun := map[string]message{}
	end := func(id string, at time.Time) {
		m, ok := begun[id]
		if !ok {
			return
		}
		for _, k := range w.kills {
			if k.After(m.at) && k.Before(at) {
				at = k
			}
		}
		if at.Sub(m.at) > 100*time.Millisecond {
			w.talked[m.from] = true
		}
		delete(begun, id)
	}
	for _, m := range all {
		switch {
		case !m.sent && len(m.first) > 4 && m.first[:4] == "ACK ":
			if _, ok := begun[m.callID]; !ok {
				begun[m.callID] = m
			}
		case len(m.first) > 4 && m.first[:4] == "BYE ":
			end(m.callID, m.at)
		}
	}
}

func (w *witness) compare(t *testing.T, dir string) {
	t.Helper()
	st, err := store.OpenReadOnly(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := st.Check(context.Background()); err != nil {
		t.Error(err)
	}
	records, rows, interrupted := map[string]int{}, map[string]int{}, 0
	err = st.Calls(context.Background(), store.Filter{}, func(r record.Record) error {
		id := r.Parties.SIPCall
		records[id]++
		if w.calls[id] == nil {
			return fmt.Errorf("record %s of a call %q that was never made", r.Call, id)
		}
		if r.Row != nil {
			rows[r.Parties.Caller]++
		}
		if (r.Row != nil) != !r.Answered.IsZero() {
			t.Errorf("call %s: answered %v, row %v", r.Call, r.Answered, r.Row)
		}
		if r.Outcome == "interrupted" {
			interrupted++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for id, c := range w.calls {
		if c.accepted {
			accepted++
		}
		if n := records[id]; n > 1 || c.accepted && n != 1 {
			t.Errorf("call %s (caller %s, accepted %v) has %d records", id, c.caller, c.accepted, n)
		}
	}
	for caller := range w.talked {
		if rows[caller] != 1 {
			t.Errorf("caller %s talked to a receptionist and has %d rows", caller, rows[caller])
		}
	}
	t.Logf("%d calls made, %d accepted, %d records, %d talked to a receptionist, %d rows, %d interrupted, %d kills",
		len(w.calls), accepted, len(records), len(w.talked), len(rows), interrupted, len(w.kills))
	if accepted == 0 || len(w.talked) == 0 || interrupted == 0 {
		t.Error("the load did not reach every case: nothing was proved")
	}
}
