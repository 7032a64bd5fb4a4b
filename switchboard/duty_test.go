package switchboard

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/record"
)

// duty sums what a board's agents truly do, turn by turn, and folds what the stream tells of them.
type duty struct {
	*stage
	tally *record.Tally
	read  int // events of the stream that the tally has
	told  map[string]record.Counts
	is    map[string]record.Counts
	was   []queue.Status // since at
	at    time.Time
}

func watched(s *stage) *duty {
	d := &duty{stage: s, tally: record.NewTally(), told: map[string]record.Counts{}, is: map[string]record.Counts{}}
	s.also = d.look
	return d
}

// agents are those who are at work and not taken out of the directory.
func (d *duty) agents(now time.Time) (all []queue.Status) {
	for _, a := range d.board.queue.Agents(now) {
		if known, is := d.board.dir.Agent(a.ID); !is || known.Disabled {
			a.LoggedIn = false
		}
		all = append(all, a)
	}
	return all
}

// look runs on the loop after each turn.
func (d *duty) look() {
	now := time.Now()
	for _, a := range d.was {
		n, spent := d.is[a.ID], now.Sub(d.at)
		busy := a.State == queue.Talking || a.State == queue.WrapUp
		if a.LoggedIn || busy {
			n.LoggedIn += spent
		}
		switch {
		case busy:
			n.Occupied += spent
		case a.LoggedIn && a.State == queue.Paused:
			n.Paused += spent
		case a.LoggedIn && a.State == queue.Offline:
			n.Offline += spent
		}
		d.is[a.ID] = n
	}
	d.was, d.at = d.agents(now), now
	d.fold()
	if len(d.board.beside.Stream) == 0 && !d.board.down { // all is in the store
		d.compare(now)
	}
}

func sum(to map[string]record.Counts) record.Tell {
	return func(c record.Cell, n record.Counts) {
		if c.Agent != "" && c.Tenant == "" {
			had := to[c.Agent]
			had.Add(record.Counts{LoggedIn: n.LoggedIn, Paused: n.Paused, Offline: n.Offline, Occupied: n.Occupied})
			to[c.Agent] = had
		}
	}
}

func (d *duty) fold() {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	for ; d.read < len(d.store.stream); d.read++ {
		d.tally.Add(d.store.stream[d.read], sum(d.told))
	}
}

// compare holds what the stream tells against what is.
func (d *duty) compare(now time.Time) {
	told := maps.Clone(d.told)
	d.tally.Open(now, sum(told))
	for _, a := range d.was {
		t := d.tally.Agents[a.ID]
		if t == nil || t.In != a.LoggedIn || t.State != string(a.State) {
			d.t.Errorf("%s is %s, logged in %t; the stream says %+v", a.ID, a.State, a.LoggedIn, t)
		}
	}
	for id, n := range told {
		if n != d.is[id] {
			d.t.Errorf("%s was\n%+v, the stream says\n%+v", id, d.is[id], n)
		}
		if t := d.tally.Agents[id]; t != nil && t.In && !slices.ContainsFunc(d.was, func(a queue.Status) bool { return a.ID == id }) {
			d.t.Errorf("%s is not there any more; the stream says %+v", id, t)
		}
	}
	if d.t.Failed() {
		for _, e := range d.store.stream[max(0, d.read-12):d.read] {
			d.t.Logf("%s %s %s %s %s", e.At.Format(time.TimeOnly), e.About, e.Agent, e.Kind, e.Reason)
		}
		d.also = nil
	}
}

func (d *duty) set(agent string, to queue.State, reason string) {
	d.t.Helper()
	if err := d.board.SetAgent(d.t.Context(), AgentOrder{Agent: agent, To: to, Reason: reason}); err != nil {
		d.t.Fatal(err)
	}
	synctest.Wait()
}

// spent is what the stream says of an agent up to now.
func (d *duty) spent(agent string) record.Counts {
	synctest.Wait()
	told := maps.Clone(d.told)
	d.tally.Open(time.Now(), sum(told))
	return told[agent]
}

func TestAPauseAskedForDuringACallIsToldWhenItBegins(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p, d := scripted(s), watched(s)
		in, _ := p.talks()
		p.after(time.Minute)
		d.set("anna", queue.Paused, queue.PausedLunch)
		p.after(10 * time.Minute)
		p.send(in, bye)
		p.after(time.Minute)
		n := d.spent("anna")
		if n.Occupied.Round(second) != 11*time.Minute || n.Paused.Round(second) != time.Minute {
			t.Errorf("occupied %s, paused %s", n.Occupied, n.Paused)
		}
		d.set("anna", queue.Paused, queue.PausedMeeting)
		last := s.store.stream[len(s.store.stream)-1]
		if last.Kind != record.AgentPaused || last.Reason != queue.PausedMeeting {
			t.Errorf("another reason: %+v", last)
		}
	})
}

func TestAPauseWithoutAPhoneIsTimeOffline(t *testing.T) {
	play(t, crew(nil, named("anna")), func(s *stage) {
		p, d := scripted(s), watched(s)
		p.board.Registered("anna", false, time.Now())
		p.after(time.Minute)
		d.set("anna", queue.Paused, queue.PausedLunch)
		p.after(time.Minute)
		p.board.Registered("anna", true, time.Now())
		p.after(time.Minute)
		if n := d.spent("anna"); n.Offline != 2*time.Minute || n.Paused != time.Minute {
			t.Errorf("offline %s, paused %s", n.Offline, n.Paused)
		}
	})
}

func TestTheTimeOfAnAgentWithoutAPhoneCountsFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{world: newWorld(t), t: t, store: newMemStore(t), absent: true}
		d := watched(s)
		stop := s.start(crew(nil, named("anna"))(t), s.store)
		time.Sleep(time.Hour)
		if n := d.spent("anna"); n.Offline != time.Hour || n.LoggedIn != time.Hour {
			t.Errorf("offline %s of %s", n.Offline, n.LoggedIn)
		}
		stop()
		settled()
	})
}

func TestADisabledAgentIsLoggedOutInTheStream(t *testing.T) {
	for _, busy := range []bool{false, true} {
		play(t, crew(nil, named("anna")), func(s *stage) {
			p, d := scripted(s), watched(s)
			in := call.LegID("")
			if busy {
				in, _ = p.talks()
			}
			p.board.SetDirectory(crew(nil, directory.Agent{ID: "anna", Disabled: true})(t), testLimits())
			p.after(time.Minute)
			p.fails(p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "anna", To: queue.Available}), ErrUnknown)
			p.board.SetDirectory(crew(nil, named("anna"))(t), testLimits()) // she keeps a call that she has
			p.after(time.Minute)
			p.board.SetDirectory(crew(nil)(t), testLimits())
			p.after(time.Minute)
			if busy {
				p.send(in, bye)
			}
			before := d.spent("anna")
			p.after(24 * time.Hour)
			if n := d.spent("anna"); n != before {
				t.Errorf("busy %t: logged in %s after she was disabled", busy, n.LoggedIn-before.LoggedIn)
			}
		})
	}
}

// shift has agents do what they may do at any time.
func (c *crowd) shift(all *directory.Directory) {
	id := c.agents[c.n(len(c.agents))]
	set := func(to queue.State) {
		_ = c.board.SetAgent(c.t.Context(), AgentOrder{Agent: id, To: to, Reason: queue.Chosen[c.n(len(queue.Chosen))]}) // who is disabled cannot
	}
	switch c.n(7) {
	case 0:
		set(queue.Paused)
	case 1, 2:
		set(queue.Available)
	case 3:
		set(queue.Offline)
	case 4:
		c.board.Registered(id, c.n(3) > 0, time.Now())
	case 5:
		c.board.SetDirectory(c.without(all, id), testLimits())
	case 6:
		c.board.SetDirectory(all, testLimits())
		c.board.Registered(id, true, time.Now())
	}
}

// without is a directory in which an agent is disabled, or is not.
func (c *crowd) without(d *directory.Directory, id string) *directory.Directory {
	agents := slices.Clone(d.Agents())
	i := slices.IndexFunc(agents, func(a directory.Agent) bool { return a.ID == id })
	agents[i].Disabled = true
	if c.n(2) == 0 {
		agents = slices.Delete(agents, i, i+1)
	}
	less, err := directory.New(d.Tenants(), agents)
	if err != nil {
		c.t.Fatal(err)
	}
	return less
}

// TestTheStreamTellsWhatAgentsDo: at every turn the fold of the stream knows the state of each agent, and how long she was in which,
// over restarts too.
func TestTheStreamTellsWhatAgentsDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{world: newWorld(t), t: t, store: newMemStore(t)}
		d := watched(s)
		for range 3 {
			dir := mixedDirectory(t)
			s.absent = !s.absent
			stop := s.start(dir, s.store)
			c := newCrowd(s, newSeed(t))
			c.agents = []string{"anna", "bo", "cia", "dag", "olle"}
			for range 200 {
				time.Sleep(c.upTo(8 * time.Second))
				if c.n(3) == 0 {
					c.caller()
				}
				c.shift(dir)
			}
			time.Sleep(20 * time.Minute)
			stop()
			settled()
			d.fold()
			d.was = nil
			s.kept = slices.Collect(maps.Values(s.store.kept))
		}
		for id, n := range d.told {
			if n.LoggedIn == 0 || n.Paused == 0 || n.Offline == 0 {
				t.Errorf("nothing was seen of %s: %+v", id, n)
			}
		}
	})
}

// TestAFloodBesideCallsGivesUpTheOldestEvents: what was told last of each agent is still told, whether the events came one by one or with
// a commit that failed.
func TestAFloodBesideCallsGivesUpTheOldestEvents(t *testing.T) {
	start := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	agent := func(n int, id, kind string) record.StreamEvent {
		return record.StreamEvent{At: start.Add(time.Duration(n) * time.Second), About: record.AboutAgent, Agent: id, Kind: kind}
	}
	for name, flood := range map[string]func(b *Board, all []record.StreamEvent){
		"one by one": func(b *Board, all []record.StreamEvent) {
			for _, e := range all {
				b.streamed(e)
			}
		},
		"with a commit that failed": func(b *Board, all []record.StreamEvent) {
			c := b.beside
			b.beside = record.Commit{Stream: all[mostBeside-10:]}
			c.Stream = append(c.Stream, all[:mostBeside-10]...)
			b.savedBeside(c, errDisk)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := New(Config{})
			all := []record.StreamEvent{agent(0, "anna", record.AgentLoggedIn), agent(0, "anna", record.AgentAvailable), agent(1, "bo", record.AgentLoggedIn)}
			for n := 2; n < mostBeside+1000; n += 2 {
				all = append(all, agent(n, "bo", record.AgentAvailable), agent(n+1, "bo", record.AgentTalking))
			}
			flood(b, append(all, agent(2*mostBeside, "bo", record.AgentLoggedOut)))
			told := b.beside.Stream
			if len(told) > mostBeside || told[0].Kind != record.ServiceUp {
				t.Errorf("%d events, the first is %+v", len(told), told[0])
			}
			if n := testutil.ToFloat64(b.metrics.givenUp); int(n)+len(told) != len(all)+2 {
				t.Errorf("%v of %d events are said to be missing, %d are left", n, len(all)+2, len(told))
			}
			tally := record.NewTally()
			for i, e := range told {
				if tally.Add(e, func(record.Cell, record.Counts) {}); i > 1 && e.At.Before(told[i-1].At) {
					t.Fatalf("event %d is out of order", i)
				}
			}
			anna, bo := tally.Agents["anna"], tally.Agents["bo"]
			if anna == nil || !anna.In || anna.State != record.AgentAvailable || bo == nil || bo.In || bo.State != record.AgentTalking {
				t.Errorf("anna %+v, bo %+v", anna, bo)
			}
		})
	}
}
