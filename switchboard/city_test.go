package switchboard

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/tariff"
)

const (
	cityTenants = 40
	cityAgents  = 60
)

func cityAgent(i int) string { return fmt.Sprintf("agent%02d", i) }

// cityRules are every rule that tenants may have, mixed by number.
func cityRules(i int) call.Rules {
	r := testRules()
	r.RingFirst = i%5 == 1
	r.MaxQueue = i % 4 * 3
	r.Overflow = call.Overflows[i%4]
	r.NoAgent = append([]call.Overflow{""}, call.Overflows...)[i%5]
	r.ForwardTo, r.LimitTo = "+46850000077", "+46850000078"
	r.AtLimit = call.AtLimits[i%4]
	r.HardCap = []time.Duration{0, 2 * time.Minute}[i%2]
	r.Priority = i % 3
	r.KeepPlace = time.Minute
	r.ParkRecall = 30 * time.Second
	r.Keys = map[string]call.Key{"1": {Do: call.KeyWish}, "2": {Do: call.KeyForward, To: "+46850000079"}, "3": {Do: call.KeySay, To: "hours"}}
	if i%6 == 2 {
		r.Whisper = "acme"
	}
	r.Serve = []*call.Serve{nil, {Strategy: call.RingAll, Levels: []call.Level{{Groups: []string{"g1"}}, {After: 10 * time.Second}}},
		{Strategy: call.RoundRobin, Share: 3}, {Strategy: call.FewestCalls, Levels: []call.Level{{Own: true}, {After: 8 * time.Second, When: 2}}},
		{Skills: []string{"en"}}}[i%5]
	return r
}

// cityDirectory has many tenants and agents, some of them tenants' own; the agent named without is not among them.
func cityDirectory(t *testing.T, without string) *directory.Directory {
	var tenants []directory.Tenant
	for i := range cityTenants {
		tenants = append(tenants, directory.Tenant{ID: fmt.Sprint("t", i), Name: fmt.Sprintf("Tenant %d AB", i), Number: cityNumber(i), Trunk: "pbx",
			Common: []directory.CommonNumber{{Name: "Support", Number: fmt.Sprintf("+468400010%02d", i)}},
			Rules:  cityRules(i), Plan: tariff.DefaultPlan()})
	}
	var agents []directory.Agent
	for i := range cityAgents {
		a := directory.Agent{ID: cityAgent(i), Extension: fmt.Sprint(201 + i), Kind: call.Service, Wrap: time.Duration(i%4) * time.Second}
		if i%6 == 5 {
			a.Kind, a.Tenants = call.Own, []string{fmt.Sprint("t", i%cityTenants)}
		}
		if i%2 == 0 {
			a.Skills = []string{"en"}
		}
		if i%12 == 11 { // behind the trunk
			a.Extension, a.ViaTrunk = "", fmt.Sprint(401+i)
		}
		a.Supervisor = i%10 == 7
		a.Groups = []string{fmt.Sprint("g", i%3)}
		if a.ID != without {
			agents = append(agents, a)
		}
	}
	d, err := directory.New(tenants, agents)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func cityNumber(i int) string { return fmt.Sprintf("+468500010%02d", i) }

var cityCodes = Codes{CodeLogin: "*11", CodePause: "*13", CodeResume: "*14", CodePark: "*15", CodePickUp: "*16", CodeHandBack: "*17", CodeTakeBack: "*10",
	CodeColleague: "*19", CodeGroup: "*20", CodeSupervisor: "*24", CodeCall: "*18"}

// city is a crowd whose receptionists and supervisors use their consoles and dial codes, whose callers press keys, and whose
// agents come and go with their phones and in the directory.
func city(s *stage, seed uint64) *crowd {
	c := newCrowd(s, seed)
	c.called, c.agents = nil, nil
	_ = s.board.ask(s.t.Context(), func() { s.board.cfg.Codes = cityCodes })
	c.again = func(id call.LegID, ev call.Event) {
		(&crowd{stage: s, rng: rand.New(rand.NewPCG(seed, uint64(time.Since(s.began))))}).repeat(id, ev)
	}
	for i := range cityTenants {
		c.called = append(c.called, cityNumber(i))
	}
	for i := range cityAgents {
		c.agents = append(c.agents, cityAgent(i))
	}
	s.onSignal = c.fork().react
	return c
}

// repeat tells one thing in ten again: at once, or when the leg has done other things or is gone.
func (c *crowd) repeat(id call.LegID, ev call.Event) {
	switch c.n(20) {
	case 0:
		c.late(id, ev)
	case 1:
		c.soon(2*time.Second, func(c *crowd) { c.late(id, ev) })
	}
}

func (c *crowd) one(of []string) string { return of[c.n(len(of))] }

// inhabit lives through n calls.
func (c *crowd) inhabit(t *testing.T, n int) {
	for i := range n {
		time.Sleep(c.upTo(700 * time.Millisecond))
		c.caller()
		c.key()
		for range 3 {
			synctest.Wait() // what was done last has been done
			c.console()
		}
		synctest.Wait()
		if c.n(10) == 0 {
			c.code()
		}
		if c.n(10) == 0 {
			agent := c.one(c.agents)
			c.board.Registered(agent, false, time.Now())
			c.soon(time.Minute, func(c *crowd) { c.board.Registered(agent, true, time.Now()) })
		}
		switch i % 200 {
		case 50: // an agent is taken out, in whatever she does
			c.board.SetDirectory(cityDirectory(t, c.one(c.agents)), testLimits())
		case 100:
			c.board.SetDirectory(cityDirectory(t, ""), testLimits())
		case 150:
			c.crash()
		}
	}
	c.board.SetDirectory(cityDirectory(t, ""), testLimits())
	for _, a := range c.agents {
		c.set(a, queue.Available, "")
	}
	time.Sleep(2 * time.Minute)
	for _, a := range c.agents {
		c.board.Registered(a, true, time.Now())
		c.set(a, queue.Available, "")
	}
	time.Sleep(2 * time.Hour) // wishes are tried three times
	synctest.Wait()
}

// key is a caller who presses one; she may be anywhere in her call.
func (c *crowd) key() {
	c.world.mu.Lock()
	id := call.LegID(fmt.Sprint("in", c.arrived))
	c.world.mu.Unlock()
	c.soon(time.Minute, func(c *crowd) { c.ifUp(id, call.Digit{Digit: c.one([]string{"1", "2", "3", "9"})}) })
	c.soon(2*time.Minute, func(c *crowd) {
		c.ifUp(id, call.PromptDone{Source: c.one([]string{call.PromptTryLater, "sv-callback-offer", "sv-callback-left"})})
	})
}

// may tells that an order was carried out, or refused for one of the reasons that there are.
func (c *crowd) may(what string, err error) {
	for _, known := range []error{nil, ErrUnknown, ErrConflict, ErrRefused, ErrInvalid} {
		if errors.Is(err, known) {
			return
		}
	}
	c.t.Errorf("%s: %v", what, err)
}

func (c *crowd) set(agent string, to queue.State, reason string) {
	c.may("state", c.board.SetAgent(c.t.Context(), AgentOrder{Agent: agent, To: to, Reason: reason}))
}

// console is anything that may be asked for by console or API, whether it makes sense or not.
func (c *crowd) console() {
	now, err := c.board.Snapshot(c.t.Context())
	if err != nil || len(now.Calls) == 0 {
		return
	}
	slices.SortFunc(now.Calls, func(a, b CallInfo) int { // ids are chance
		return cmp.Or(a.Arrived.Compare(b.Arrived), cmp.Compare(a.Caller, b.Caller), cmp.Compare(a.Agent, b.Agent))
	})
	some := now.Calls[c.n(len(now.Calls))]
	agent := some.Agent
	if agent == "" || c.n(8) == 0 {
		agent = c.one(c.agents)
	}
	switch c.n(20) {
	case 0:
		slot := 1 + c.n(4)
		if n := len(now.Parked); n > 0 {
			slot, agent = now.Parked[c.n(n)].Slot, c.idle(now)
		}
		_, err = c.board.PickUp(c.t.Context(), agent, slot, "")
	case 1:
		err = c.board.Take(c.t.Context(), some.ID, c.one(c.agents), "boss")
	case 2:
		err = c.board.Move(c.t.Context(), some.ID, 1+c.n(5), "boss")
	case 3:
		c.free(agent, some.ID)
	case 4:
		_, err = c.board.Dial(c.t.Context(), Outgoing{Agent: agent, Tenant: fmt.Sprint("t", c.n(cityTenants)), To: c.one([]string{"205", "+46850000042", "0900123"})})
	case 5:
		c.set(agent, queue.Paused, "lunch")
		c.soon(time.Minute, func(c *crowd) { c.set(agent, queue.Available, "") })
	case 6:
		c.set(agent, queue.Offline, "")
		c.soon(time.Minute, func(c *crowd) { c.set(agent, queue.Available, "") })
	default:
		o := Order{Agent: agent, Do: call.Actions[c.n(len(call.Actions))], Grant: c.upTo(time.Minute)}
		if c.n(8) == 0 {
			o.Agent, o.Call = "", some.ID
		}
		o.To = c.one([]string{"", "205", "+46850000042", "0900123456", "agent:" + c.one(c.agents), "agent:nobody", "group:g1", "supervisor", "common:Support"})
		switch {
		case o.Do == call.ActEnd && c.n(4) > 0:
			o.Do = call.ActPark
		case c.n(3) == 0:
			o.Do, o.To = []call.Action{call.ActConnect, call.ActAnnounce}[c.n(2)], "agent:"+c.idle(now)
		case c.n(3) == 0:
			o.Do = []call.Action{call.ActComplete, call.ActSwap, call.ActJoin}[c.n(3)]
		}
		_, err = c.board.Do(c.t.Context(), o)
	}
	c.may(fmt.Sprintf("%s with %s", agent, some.ID), err)
}

// idle is an agent who may be free.
func (c *crowd) idle(now Snapshot) string {
	for _, a := range now.Agents {
		if a.State == queue.Available {
			return a.ID
		}
	}
	return c.one(c.agents)
}

// free takes an agent out of whatever she does. A call that keeps her in mind all the same is remembered: see invariants.
func (c *crowd) free(agent string, _ call.ID) {
	c.board.box.put(mail{posted: time.Now(), run: func() { // on the loop, since the invariants are looked at there
		if id := c.board.queue.Reserved(agent); id != "" {
			if c.freed == nil {
				c.freed = map[call.ID]bool{}
			}
			c.freed[id] = true
		}
		c.may("free", c.board.freeAgent(agent, "boss", time.Now()))
	}}, 0)
}

// code is dialled by an agent, in whatever she does.
func (c *crowd) code() {
	c.world.mu.Lock()
	c.arrived++
	id := call.LegID(fmt.Sprint("code", c.arrived))
	c.world.mu.Unlock()
	c.in(id, call.Dialled{Agent: c.one(c.agents), Target: c.one([]string{"*11", "*131", "*14", "*15", "*161", "*17", "*199", "205",
		fmt.Sprint("*19", 201+c.n(cityAgents)), "*2041", "*24", "*10", "*180850001001*0850000042"})})
	c.soon(5*time.Second, func(c *crowd) { c.ifUp(id, call.PromptDone{}) })
	c.soon(time.Minute, func(c *crowd) { c.ifUp(id, call.Ended{Cause: call.CauseBye}) })
}

// TestRandomHistoriesOfManyTenants lives through more than a thousand calls of many tenants, each with rules of its own. See invariants for
// what is checked at every turn.
func TestRandomHistoriesOfManyTenants(t *testing.T) {
	calls := 1500
	if testing.Short() {
		calls = 300
	}
	play(t, func(t *testing.T) *directory.Directory { return cityDirectory(t, "") }, func(s *stage) {
		c := city(s, newSeed(t))
		c.inhabit(t, calls)
		c.told(t)
		t.Logf("%d calls, %d turns, %d records, %d spoke", s.arrived, s.turns, len(s.store.records), len(s.spoken))
	})
}

// TestRandomHistoriesOfManyTenantsWithAFailingStore is the same with every so many commits failing, in bursts too.
func TestRandomHistoriesOfManyTenantsWithAFailingStore(t *testing.T) {
	for _, every := range []int{3, 17} {
		play(t, func(t *testing.T) *directory.Directory { return cityDirectory(t, "") }, func(s *stage) {
			s.store.failing(func(n int) bool { return n%every == 0 || n/100%9 == 8 })
			c := city(s, newSeed(t))
			c.inhabit(t, 500)
			t.Logf("every %d fails: %d calls, %d commits, %d records", every, s.arrived, s.store.n, len(s.store.records))
		})
	}
}

// told: every caller's call has ended by itself, and the stories tell of all that happens often.
func (c *crowd) told(t *testing.T) {
	if n := len(c.board.calls); n != 0 {
		t.Errorf("%d calls have not ended by themselves", n)
	}
	told := map[call.Kind]int{}
	for _, r := range c.store.all() {
		for _, e := range r.Story {
			told[e.Kind]++
		}
	}
	t.Logf("told: %v", told)
	if testing.Short() {
		return
	}
	for _, k := range []call.Kind{call.KindAnswered, call.KindMissed, call.KindConsult, call.KindReached, call.KindMediated, call.KindRecalled, call.KindForwarded,
		call.KindHeld, call.KindParked, call.KindUnparked, call.KindHandBack, call.KindTakenBack, call.KindWish, call.KindCalled, call.KindLimit, call.KindLost} {
		if told[k] == 0 {
			t.Errorf("no story tells of %s", k)
		}
	}
}
