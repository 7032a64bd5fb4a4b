package switchboard

import (
	"slices"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/directory"
)

// neighbours is two tenants, t0 with anna of the service, t1 with its own receptionist beata, who supervises: by a phone of hers, or behind
// its trunk.
func neighbours(t *testing.T) *directory.Directory {
	t.Helper()
	rules := testRules()
	rules.MaxWait = 0
	d, err := directory.New([]directory.Tenant{{ID: "t0", Number: numbers[0], Trunk: "pbx", Rules: rules}, {ID: "t1", Number: numbers[1], Trunk: "other", Rules: rules}},
		[]directory.Agent{
			{ID: "anna", Kind: call.Service, Extension: "201"}, {ID: "bo", Kind: call.Service, Extension: "202", Supervisor: true},
			{ID: "beata", Kind: call.Own, Tenants: []string{"t1"}, Extension: "301", Supervisor: true, Groups: []string{"sales"}},
			{ID: "berit", Kind: call.Own, Tenants: []string{"t1"}, ViaTrunk: "302", Supervisor: true, Groups: []string{"sales"}},
		})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestACallNeverReachesAnotherCompanysReceptionist(t *testing.T) {
	play(t, neighbours, func(s *stage) {
		s.board.cfg.Codes = Codes{CodeColleague: "*19", CodeGroup: "*20", CodeSupervisor: "*24"}
		p := scripted(s)
		_, agent := p.talks()
		before := p.number()
		for _, do := range []call.Action{call.ActAnnounce, call.ActConnect} {
			for _, to := range []string{"agent:beata", "agent:berit"} {
				_, err := p.order(Order{Agent: "anna", Do: do, To: to})
				p.fails(err, ErrRefused)
			}
		}
		_, err := p.order(Order{Agent: "anna", Do: call.ActAnnounce, To: "group:sales"})
		p.fails(err, ErrConflict)
		p.in("mistyped", call.Dialled{Agent: "anna", Target: "*19301"})
		p.gets("mistyped", 403)
		p.in("group", call.Dialled{Agent: "anna", Target: "*2072537"})
		p.gets("group", nobodyFree)
		p.send(agent, call.Referred{Ref: "r", Target: "*19301"})
		if p.number() != before {
			t.Errorf("%+v is called", p.lastDial().To)
		}
		p.does(Order{Agent: "anna", Do: call.ActAnnounce, To: "supervisor"})
		if d := p.lastDial(); d.To.Agent != "bo" {
			t.Errorf("%+v is called, want the service's supervisor", d.To)
		}
	})
}

func TestAWaitingCallIsNotGivenToAnotherCompanysReceptionist(t *testing.T) {
	play(t, neighbours, func(s *stage) {
		p := scripted(s)
		p.board.SetAgent(p.t.Context(), AgentOrder{Agent: "anna", To: "paused"})
		p.comes(numbers[0])
		id := p.looks().Calls[0].ID
		for _, agent := range []string{"beata", "berit"} {
			p.fails(p.board.Take(p.t.Context(), id, agent, "test"), ErrRefused)
		}
		if err := p.board.Take(p.t.Context(), id, "bo", "test"); err != nil {
			t.Error(err)
		}
		p.after(2 * time.Millisecond)
		if c := p.looks().Calls; !slices.ContainsFunc(c, func(c CallInfo) bool { return c.Agent == "bo" }) {
			t.Errorf("%+v", c)
		}
	})
}

func TestWhoseCallerIsParkedIsNotToldToAnotherCompanysReceptionist(t *testing.T) {
	play(t, neighbours, func(s *stage) {
		s.board.cfg.Codes = Codes{CodePickUp: "*16"}
		p := scripted(s)
		in := p.parks("anna")
		dials := func(leg call.LegID, agent string) {
			p.in(leg, call.Dialled{Agent: agent, Target: "*161"})
			p.after(2 * time.Millisecond)
			p.send(leg, call.PromptDone{})
		}
		dials("foreign", "beata")
		if p.heard("sv-picking-up") || !p.heard("sv-not-allowed") {
			t.Error("she hears that somebody is parked")
		}
		dials("own", "anna")
		if !p.heard("sv-picking-up") || p.lastDial().To.Agent != "anna" {
			t.Error("who parked the caller cannot pick her up")
		}
		p.send(in, bye)
	})
}
