package app_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/call"
	"telefonist/config"
	"telefonist/sip/softphone"
	"telefonist/switchboard"
	"telefonist/web"
)

// What each party says, in Hz.
const (
	callerTone = 400.0
	annaTone   = 700.0
	boTone     = 1000.0
	targetTone = 1300.0
)

// office is a running server with two receptionists' phones, a PBX with one person behind it, and the administration socket.
type office struct {
	t      *testing.T
	app    *app.App
	desk   *web.Client
	pbx    *softphone.PBX
	phones map[string]*softphone.Phone
	rings  map[string]chan *softphone.Call // calls that an agent's phone gets; it answers them at once
	person chan *softphone.Call            // calls that the wanted party gets; she answers at once, but those to 299
}

const officeTenants = `
tenants:
 - {id: acme, name: Acme AB, number: "+46850000001", trunk: pbx}
agents:
 - {id: anna, name: Anna Ek, extension: "201", kind: service, password: hemligt-201, wrap_up: 0s}
 - {id: bo, name: Bo Al, extension: "202", kind: service, password: hemligt-202, wrap_up: 0s}
 - {id: cia, name: Cia Ö, extension: "203", kind: service, password: hemligt-203, wrap_up: 0s, supervisor: true}
`

func openOffice(t *testing.T) *office {
	t.Helper()
	dir := t.TempDir()
	return openOfficeWith(t, dir, load(t, dir, officeTenants), netip.MustParseAddrPort("127.31.0.3:0"))
}

// openOfficeWith opens one with a store in dir and its receptionists' phones at an address.
func openOfficeWith(t *testing.T, dir string, cfg *config.Config, phones netip.AddrPort) *office {
	t.Helper()
	o := &office{t: t, app: start(t, cfg), phones: map[string]*softphone.Phone{}, rings: map[string]chan *softphone.Call{},
		person: make(chan *softphone.Call, 8)}
	t.Cleanup(func() { _ = o.app.Stop(context.Background()) })
	pbx := netip.MustParseAddrPort("127.31.0.2:5060")
	var err error
	if o.desk, err = web.Dial(app.SocketPath(dir)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.desk.Close)
	tone := func(f float64) func() softphone.Source { return func() softphone.Source { return softphone.Tone(f) } }
	target := func(ctx context.Context, c *softphone.Call) {
		c.Ring()
		o.person <- c
		if !strings.HasSuffix(c.Invite().To, "299") && c.Answer() == nil {
			<-ctx.Done()
			return
		}
		<-ctx.Done()
	}
	o.pbx, err = softphone.NewPBX(softphone.Config{Server: o.server(pbx), Listen: pbx, Voice: tone(targetTone), OnCall: target})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.pbx.Close(context.Background()) })
	for id, p := range map[string]struct {
		ext  string
		tone float64
	}{"anna": {"201", annaTone}, "bo": {"202", boTone}} {
		rings := make(chan *softphone.Call, 8)
		o.rings[id] = rings
		phone, err := softphone.New(softphone.Config{Server: o.server(phones), Listen: phones, User: p.ext,
			Password: "hemligt-" + p.ext, Voice: tone(p.tone), OnCall: func(ctx context.Context, c *softphone.Call) {
				c.Ring()
				if c.Answer() == nil {
					rings <- c
				}
				<-ctx.Done()
			}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = phone.Close(context.Background()) })
		if err := phone.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.phones[id] = phone
	}
	return o
}

// server is where a phone or PBX at an address reaches the server.
func (o *office) server(from netip.AddrPort) netip.AddrPort {
	o.t.Helper()
	for _, s := range o.app.SIPAddrs() {
		if s.Network == "udp" && s.Addr().Is4() == from.Addr().Is4() {
			return s.AddrPort
		}
	}
	o.t.Fatalf("the server listens nowhere that %v could reach", from)
	return netip.AddrPort{}
}

const officePatience = 20 * time.Second

// got waits for a call.
func (o *office) got(from chan *softphone.Call, what string) *softphone.Call {
	o.t.Helper()
	select {
	case c := <-from:
		select {
		case <-c.Answered():
		case <-c.Ringing():
		case <-time.After(officePatience):
			o.t.Fatalf("%s: not answered", what)
		}
		return c
	case <-time.After(officePatience):
		o.t.Fatalf("%s: no call", what)
		return nil
	}
}

// calls has somebody call the tenant, and waits until a receptionist hears her.
func (o *office) calls(agent string) (caller, phone *softphone.Call) {
	o.t.Helper()
	caller, err := o.pbx.Place(softphone.Invite{To: "+46850000001", From: "+46701740605", Voice: softphone.Tone(callerTone)})
	if err != nil {
		o.t.Fatal(err)
	}
	phone = o.got(o.rings[agent], agent)
	o.hears(phone, "caller", callerTone)
	o.hears(caller, agent, annaTone, boTone)
	return caller, phone
}

// hears waits until one of the tones is heard for a while from now on.
func (o *office) hears(c *softphone.Call, who string, tones ...float64) {
	o.t.Helper()
	deadline := time.After(officePatience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	had := make([]time.Duration, len(tones))
	for i, f := range tones {
		had[i] = c.Audio().HeardTone(f)
	}
	for {
		for i, f := range tones {
			if c.Audio().HeardTone(f) >= had[i]+300*time.Millisecond {
				return
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			o.t.Fatalf("does not hear %s: %+v", who, c.Audio().Heard())
		}
	}
}

// hearsNot checks that a tone is not heard while another is for as long as it takes to tell.
func (o *office) hearsNot(c *softphone.Call, not float64, f func()) {
	o.t.Helper()
	had := c.Audio().HeardTone(not)
	f()
	if more := c.Audio().HeardTone(not) - had; more > 200*time.Millisecond {
		o.t.Errorf("%v of %.0f Hz are heard", more, not)
	}
}

func (o *office) act(agent string, do call.Action, to string) web.ActionDone {
	o.t.Helper()
	done, err := o.desk.Act(o.t.Context(), "", web.CallAction{Agent: agent, Action: do, To: to})
	if err != nil {
		o.t.Fatalf("%s: %v", do, err)
	}
	return done
}

func (o *office) live() switchboard.Snapshot {
	o.t.Helper()
	s, err := o.desk.Live(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return s
}

// ends waits for the end of a call.
func (o *office) ends(c *softphone.Call, who string) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), officePatience)
	defer cancel()
	if err := c.WaitEnd(ctx); err != nil && ctx.Err() != nil {
		o.t.Fatalf("%s: the call does not end", who)
	}
}

// record waits for the record of a call that ends.
func (o *office) story(id call.ID) string {
	o.t.Helper()
	deadline := time.Now().Add(officePatience)
	for {
		r, err := o.desk.Call(id)
		if err == nil {
			var words []string
			for _, e := range r.Story {
				words = append(words, string(e.Kind))
			}
			return fmt.Sprintf("%s: %s", r.Outcome, strings.Join(words, " "))
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("no record of %s: %v", id, err)
		}
	}
}

func (o *office) told(id call.ID, kinds ...call.Kind) {
	o.t.Helper()
	story := o.story(id)
	rest := story
	for _, k := range kinds {
		_, after, found := strings.Cut(rest, " "+string(k))
		if !found {
			o.t.Errorf("the story lacks %s: %s", k, story)
			return
		}
		rest = after
	}
}

func TestReceptionistHoldsAndTakesBackByTheDesk(t *testing.T) {
	o := openOffice(t)
	o.pause("bo")
	caller, anna := o.calls("anna")
	o.act("anna", call.ActHold, "")
	o.hearsNot(caller, annaTone, func() { o.hearsNot(anna, callerTone, func() { o.quiet(caller) }) })
	id := o.act("anna", call.ActResume, "").Call
	o.hears(caller, "anna", annaTone)
	o.hears(anna, "the caller", callerTone)
	o.act("anna", call.ActEnd, "")
	o.ends(caller, "caller")
	o.told(id, call.KindAnswered, call.KindHeld, call.KindResumed, call.KindEnded)
}

// quiet waits until the caller has heard 40 more packets of whatever it is.
func (o *office) quiet(c *softphone.Call) {
	o.t.Helper()
	from := c.Audio().Heard().Packets
	deadline := time.Now().Add(officePatience)
	for c.Audio().Heard().Packets < from+40 {
		if time.Now().After(deadline) {
			o.t.Fatal("nothing is heard at all")
		}
	}
}

func (o *office) pause(agent string) {
	o.t.Helper()
	if err := o.desk.SetAgent(o.t.Context(), agent, web.AgentState{State: "paused", Reason: "lunch"}); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) resume(agent string) {
	o.t.Helper()
	if err := o.desk.SetAgent(o.t.Context(), agent, web.AgentState{State: "available"}); err != nil {
		o.t.Fatal(err)
	}
}

func TestReceptionistAnnouncesSwapsJoinsAndCompletesOnOneLeg(t *testing.T) {
	o := openOffice(t)
	o.pause("bo")
	caller, anna := o.calls("anna")
	id := o.act("anna", call.ActAnnounce, "205").Call
	target := o.got(o.person, "the wanted party")
	o.hears(target, "anna", annaTone)
	o.hears(anna, "the wanted party", targetTone)
	o.hearsNot(caller, annaTone, func() { o.quiet(caller) })
	o.act("anna", call.ActSwap, "")
	o.hears(caller, "anna", annaTone)
	o.hearsNot(target, annaTone, func() { o.quiet(target) })
	o.act("anna", call.ActJoin, "")
	anna.Audio().Speak(softphone.Tone(0)) // a tone is told where it is most of what is heard
	o.hears(target, "the caller", callerTone)
	o.hears(caller, "the wanted party", targetTone)
	target.Audio().Speak(softphone.Tone(0))
	o.hears(anna, "the caller", callerTone)
	target.Audio().Speak(softphone.Tone(targetTone))
	o.act("anna", call.ActComplete, "")
	o.ends(anna, "anna")
	o.hears(target, "the caller", callerTone)
	o.hears(caller, "the wanted party", targetTone)
	caller.Hangup()
	o.ends(target, "the wanted party")
	o.told(id, call.KindAnswered, call.KindConsult, call.KindReached, call.KindSwapped, call.KindJoined, call.KindMediated, call.KindEnded)
	if story := o.story(id); !strings.HasPrefix(story, "mediated") {
		t.Error(story)
	}
}

func TestReceptionistTakesBackADirectConnectionThatRings(t *testing.T) {
	o := openOffice(t)
	o.pause("bo")
	caller, anna := o.calls("anna")
	id := o.act("anna", call.ActConnect, "299").Call
	o.got(o.person, "the wanted party")
	o.act("anna", call.ActTakeBack, "")
	o.hears(caller, "anna", annaTone)
	anna.Hangup()
	o.ends(caller, "caller")
	o.told(id, call.KindTransfer, call.KindTakenBack, call.KindEnded)
}

func TestParkedCallerIsPickedUpByACollegue(t *testing.T) {
	o := openOffice(t)
	o.pause("bo")
	caller, anna := o.calls("anna")
	done := o.act("anna", call.ActPark, "")
	if done.Slot != 1 {
		t.Fatalf("parked at %d", done.Slot)
	}
	o.ends(anna, "anna")
	if p := o.live().Parked; len(p) != 1 || p[0].Call != done.Call || p[0].Agent != "anna" {
		t.Fatalf("parked: %+v", p)
	}
	o.resume("bo")
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	boss := o.token(web.TokenRequest{Scopes: []string{"calls:supervise"}})
	if status, said := o.asks(boss, "POST", "/agents/bo/pickup", `{"slot":1,"call":"another"}`); status != http.StatusConflict || !strings.Contains(said, "another caller is parked at 1") {
		t.Errorf("another than the expected one: %d %s", status, said)
	}
	if _, err := o.desk.PickUp(t.Context(), "bo", 1); err != nil {
		t.Fatal(err)
	}
	bo := o.got(o.rings["bo"], "bo")
	o.hears(caller, "bo", boTone)
	bo.Hangup()
	o.ends(caller, "caller")
	o.told(done.Call, call.KindAnswered, call.KindParked, call.KindPickedUp, call.KindAnswered, call.KindEnded)
	if _, err := o.desk.PickUp(t.Context(), "bo", 1); err != web.ErrNotFound {
		t.Errorf("an empty slot: %v", err)
	}
}

func TestHandedBackCallGoesToTheNextReceptionist(t *testing.T) {
	o := openOffice(t)
	o.pause("bo")
	caller, anna := o.calls("anna")
	o.pause("anna")
	id := o.act("anna", call.ActHandBack, "").Call
	o.ends(anna, "anna")
	o.resume("bo")
	bo := o.got(o.rings["bo"], "bo")
	o.hears(caller, "bo", boTone)
	bo.Hangup()
	o.told(id, call.KindAnswered, call.KindHandBack, call.KindAnswered, call.KindEnded)
}

func TestCollegueIsConsultedAndTakesTheCall(t *testing.T) {
	o := openOffice(t)
	o.pause("bo")
	caller, anna := o.calls("anna")
	o.resume("bo")
	id := o.act("anna", call.ActAnnounce, "agent:bo").Call
	bo := o.got(o.rings["bo"], "bo")
	o.hears(bo, "anna", annaTone)
	o.act("anna", call.ActComplete, "")
	o.ends(anna, "anna")
	o.hears(caller, "bo", boTone)
	o.hears(bo, "the caller", callerTone)
	bo.Hangup()
	o.ends(caller, "caller")
	o.told(id, call.KindAnswered, call.KindColleague, call.KindEnded)
}

func TestReceptionistCallsOutInATenantsName(t *testing.T) {
	o := openOffice(t)
	done, err := o.desk.DialOut(t.Context(), "anna", "acme", "08-50 00 00 42")
	if err != nil {
		t.Fatal(err)
	}
	anna := o.got(o.rings["anna"], "anna")
	target := o.got(o.person, "the party")
	if from := target.Invite().From; from != "+46850000001" {
		t.Errorf("shows %s, want the tenant's number", from)
	}
	o.hears(target, "anna", annaTone)
	o.hears(anna, "the party", targetTone)
	anna.Hangup()
	o.ends(target, "the party")
	if story := o.story(done.Call); !strings.HasPrefix(story, "reached") {
		t.Error(story)
	}
	if r, _ := o.desk.Call(done.Call); r.Row != nil {
		t.Error("an outgoing call has a tariff")
	}
	for _, to := range []string{"0900-123456", "+4930123456"} {
		if _, err := o.desk.DialOut(t.Context(), "anna", "acme", to); err == nil {
			t.Errorf("%s may be called", to)
		}
	}
}

func TestReceptionistDialsCodes(t *testing.T) {
	o := openOffice(t)
	state := func(want string) {
		t.Helper()
		deadline := time.Now().Add(officePatience)
		got := ""
		for time.Now().Before(deadline) {
			for _, a := range o.live().Agents {
				if a.ID == "anna" {
					got = fmt.Sprint(a.State, " ", a.Reason)
				}
			}
			if got == want {
				return
			}
		}
		t.Fatalf("anna is %s, want %s", got, want)
	}
	for _, c := range []struct{ code, want string }{
		{"*131", "paused lunch"}, {"*14", "available "}, {"*12", "offline logged out"}, {"*11", "available "}, {"*139", "available "},
	} {
		leg, err := o.phones["anna"].Dial(c.code)
		if err != nil {
			t.Fatal(err)
		}
		o.ends(leg, c.code)
		state(c.want)
	}
}
