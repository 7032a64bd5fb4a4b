package switchboard

import (
	"testing"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/record"
)

// counted is what the statistics say of a call.
func counted(r record.Record) (all record.Counts) {
	tally := record.NewTally()
	for i, e := range r.Story {
		ev := record.Streamed(r.Call, r.Tenant, call.Incoming, e)
		ev.Seq = uint64(i + 1)
		tally.Add(ev, func(c record.Cell, n record.Counts) {
			if c.Tenant == "" && c.Agent == "" {
				all.Add(n)
			}
		})
	}
	return all
}

func TestWhoHangsUpWhileSheIsSentOnHasNotAbandonedTheService(t *testing.T) {
	const duty = "+46850000042"
	stays := func(*script, call.LegID) {}
	for _, c := range []struct {
		name  string
		set   func(*call.Rules)
		leads func(p *script, in call.LegID) // to where she is sent on
		want  call.Outcome
	}{
		{"closed", func(r *call.Rules) { r.Closed, r.ClosedTo = call.OverflowForward, duty }, stays, call.OutcomeClosed},
		{"nobody logged in", func(r *call.Rules) { r.NoAgent, r.ForwardTo = call.OverflowForward, duty }, stays, call.OutcomeNoAgent},
		{"too long a wait", func(r *call.Rules) { r.MaxWait, r.Overflow, r.ForwardTo = time.Minute, call.OverflowForward, duty },
			func(p *script, _ call.LegID) { p.after(time.Minute) }, call.OutcomeTimeout},
		{"a key", func(r *call.Rules) { r.Keys = map[string]call.Key{"2": {Do: call.KeyForward, To: duty}} },
			func(p *script, in call.LegID) { p.send(in, call.Digit{Digit: "2"}) }, call.OutcomeForwarded},
		{"diverted", nil, func(p *script, _ call.LegID) {
			p.does(Order{Call: p.looks().Calls[0].ID, Do: call.ActDivert, To: duty})
		}, call.OutcomeForwarded},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, crew(func(t *directory.Tenant) {
				t.Rules.KeepPlace = time.Hour
				if c.set != nil {
					c.set(&t.Rules)
				}
			}), func(s *stage) {
				p := scripted(s)
				in := p.comes(numbers[0])
				c.leads(p, in)
				if d := p.lastDial(); d.To.Number != duty {
					t.Fatalf("%+v is called", d.To)
				}
				p.after(6 * time.Second)
				p.send(in, bye)
				r := p.only()
				if n := counted(r); r.Outcome != c.want || n.Overflowed != 1 || n.Abandoned != 0 {
					t.Errorf("%s, counted %+v", r.Outcome, n)
				}
				p.board.ask(s.t.Context(), func() {
					if len(p.board.alarms.waits) > 0 {
						t.Error("it counts for the service level")
					}
					if _, kept := p.board.queue.Recall("t0", r.Parties.Caller, time.Now()); kept {
						t.Error("a place is kept for who has left the line")
					}
				})
			})
		})
	}
}

func TestAPlaceIsKeptOnlyForWhoStoodInLine(t *testing.T) {
	play(t, crew(func(t *directory.Tenant) { t.Rules.KeepPlace = time.Hour }), func(s *stage) {
		p := scripted(s)
		recalled := func(want bool) {
			t.Helper()
			p.after(10 * time.Second)
			for _, r := range s.store.all() {
				p.board.ask(s.t.Context(), func() {
					if _, kept := p.board.queue.Recall("t0", r.Parties.Caller, time.Now()); kept != want {
						t.Errorf("kept: %t", kept)
					}
				})
			}
		}
		s.store.slow(time.Second)
		in := p.arrive(numbers[0])
		p.send(in, call.Ended{Cause: call.CauseCancel}) // before her call was durable
		recalled(false)
	})
	play(t, crew(func(t *directory.Tenant) { t.Rules.KeepPlace = time.Hour }), func(s *stage) {
		p := scripted(s)
		p.send(p.comes(numbers[0]), bye)
		r := p.only()
		p.board.ask(s.t.Context(), func() {
			if _, kept := p.board.queue.Recall("t0", r.Parties.Caller, time.Now()); !kept {
				t.Error("no place is kept")
			}
		})
	})
}
