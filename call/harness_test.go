package call_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"telefonist/call"
)

var begin = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// rules are the product's own limits.
func rules() call.Rules {
	return call.Rules{
		Tenant: "acme", TenantName: "Acme AB", Number: "+46850000001", Trunk: "pbx", Display: "Acme · Support",
		MaxWait: 2 * time.Minute, Overflow: call.OverflowPrompt, RingTimeout: 15 * time.Second, RecallAfter: 20 * time.Second,
		Warn: 35 * time.Second, Included: 45 * time.Second, Long: 2 * time.Minute, Voicemail: []string{"+46850000099"},
		RingFirstFor: 30 * time.Second,
	}
}

// leg is what the harness knows of a leg, to judge the commands that name it.
type leg struct {
	incoming bool
	accepted bool // 200 sent
	answered bool // 200 received
	early    bool
	over     bool // ended, failed, hung up or rejected
}

// harness runs one call by hand. It carries out what the call says on a model of its surroundings, and fails the test
// where a command breaks the protocol.
type harness struct {
	t        testing.TB
	c        *call.Call
	now      time.Duration
	legs     map[call.LegID]*leg
	timers   map[call.Timer]time.Duration
	queued   bool
	full     bool                  // the waiting line takes no more
	auto     bool                  // Enqueue is answered, and arrivals are durable, at once
	agents   map[string]bool       // reserved for the call
	away     map[string]bool       // who is not to be had as a colleague
	asked    map[string]bool       // refs of acts that are not answered
	slot     bool                  // the caller is parked
	slow     bool                  // Reserve is not answered at once
	pending  []string              // colleagues whose reservation is not answered
	plays    map[call.LegID]string // the prompt that each leg heard last
	refs     int
	wishes   int
	place    call.Place // what Announce is answered with
	finished *call.Finish
	cmds     []call.Command // of the last event, Log entries included
	story    []call.Entry
	made     func() *call.Call // the same call anew, see replay
	heard    []heard           // all that it was told
}

// heard is an event as a call was told it, and what it said.
type heard struct {
	at   call.Instant
	leg  call.LegID
	ev   call.Event
	said []call.Command
}

// begins makes the call and begins it.
func (h *harness) begins(c func() *call.Call, d call.Dialog) {
	h.made, h.c = c, c()
	said := h.c.Begin(h.at(), d)
	h.heard = append(h.heard, heard{at: h.at(), ev: call.Arrived{Dialog: d}, said: slices.Clone(said)})
	h.take(said)
}

// replay tells a new call all that the first was told: it must say the same, word for word, and end as it did.
func (h *harness) replay() {
	h.t.Helper()
	again := h.made()
	for i, ev := range h.heard {
		var said []call.Command
		if i == 0 {
			said = again.Begin(ev.at, ev.ev.(call.Arrived).Dialog)
		} else {
			said = again.Handle(ev.at, ev.leg, ev.ev)
		}
		if !slices.EqualFunc(said, ev.said, func(a, b call.Command) bool { return reflect.DeepEqual(a, b) }) {
			h.t.Fatalf("%T (%d of %d) replays to %s, was %s", ev.ev, i, len(h.heard), show(said), show(ev.said))
		}
	}
	if again.Phase() != h.c.Phase() || again.Handled() != h.c.Handled() || !slices.Equal(again.Agents(), h.c.Agents()) {
		h.t.Fatalf("replays to %s, %v handled, was %s, %v", again.Phase(), again.Handled(), h.c.Phase(), h.c.Handled())
	}
}

const (
	caller = call.LegID("c")
	ownLeg = call.LegID("o") // of a receptionist who called out by her phone
)

func newHarness(t testing.TB, r call.Rules) *harness {
	h := &harness{t: t, legs: map[call.LegID]*leg{caller: {incoming: true}}, timers: map[call.Timer]time.Duration{}, auto: true,
		place: call.Place{Position: 3, Wait: 130 * time.Second}}
	h.begins(func() *call.Call { return call.New("k", r, caller, call.Party{Number: "+46701234567"}) }, call.Dialog{CallID: "in"})
	return h
}

// newOutHarness runs a call that anna makes: by her phone where she dialled, else her phone is called first.
func newOutHarness(t testing.TB, r call.Rules, dialled bool) *harness {
	h := &harness{t: t, legs: map[call.LegID]*leg{}, timers: map[call.Timer]time.Duration{}, auto: true}
	out := call.Out{Agent: "anna", Kind: call.Service, To: pbx, Party: call.Party{Number: pbx.Number}}
	if dialled {
		out.Leg = ownLeg
		h.legs[ownLeg] = &leg{incoming: true}
	}
	h.reserve("anna")
	h.begins(func() *call.Call { return call.NewOut("k", r, out) }, call.Dialog{CallID: "own"})
	return h
}

func (h *harness) at() call.Instant { return call.Instant{Wall: begin.Add(h.now), Since: h.now} }

// event gives the call an event and returns what it says, as text.
func (h *harness) event(id call.LegID, ev call.Event) string {
	h.t.Helper()
	if l := h.legs[id]; l != nil {
		switch ev.(type) {
		case call.Ended, call.Failed:
			l.over = true
		case call.Answered:
			l.answered = true
		case call.EarlyMedia:
			l.early = true
		}
	}
	switch e := ev.(type) {
	case call.PromptDone:
		if e.Source == "" { // that of the prompt that plays
			ev = call.PromptDone{Source: h.plays[id]}
		}
	case call.Consult:
		h.legs[id] = &leg{incoming: true}
	case call.Offered:
		h.reserve(e.Agent)
		for _, o := range e.Others {
			h.reserve(o.Agent)
		}
		h.queued = h.queued && e.Pickup // asked for by herself: the call is still in line
	case call.Reserved:
		if e.OK && h.finished == nil { // whom a call that has ended asked for is given back with it
			h.reserve(e.Agent)
		}
	case call.Act:
		if h.asked[e.Ref] {
			h.t.Fatal("test asks twice by one ref")
		}
		if h.asked == nil {
			h.asked = map[string]bool{}
		}
		h.asked[e.Ref] = true
	case call.QueueFull:
		h.queued = false
	}
	h.cmds = h.c.Handle(h.at(), id, ev)
	said := h.cmds
	h.heard = append(h.heard, heard{h.at(), id, ev, slices.Clone(said)})
	h.take(said)
	return show(said)
}

// answerReserve is the pool's word on a colleague.
func (h *harness) answerReserve(agent string) call.Reserved {
	kind := call.Service
	if agent == "olle" {
		kind = call.Own
	}
	return call.Reserved{Agent: agent, OK: !h.away[agent] && !h.agents[agent], Kind: kind}
}

// act is what somebody does with the call by console; it returns what the call says.
func (h *harness) act(ev call.Act) string {
	h.t.Helper()
	h.refs++
	ev.Ref = fmt.Sprint("act", h.refs)
	could, opening := slices.Contains(h.c.May(ev.Agent, ev.Supervisor).List(), ev.Do), h.c.Phase() == "opening"
	said := h.own(ev)
	h.promised(ev, could, opening)
	return said
}

// promised holds what was told of an action before against what became of it. What is asked for while an answer becomes durable waits.
func (h *harness) promised(ev call.Act, could, opening bool) {
	h.t.Helper()
	for _, cmd := range h.cmds {
		r, is := cmd.(call.Result)
		if !is || r.Ref != ev.Ref {
			continue
		}
		switch r.Err {
		case "", call.ErrUnavailable:
			if !could {
				h.t.Fatalf("%s is done though it could not be: %s", ev.Do, h.kinds())
			}
		case call.ErrState, call.ErrConsults, call.ErrPhone, call.ErrNotYours:
			if could {
				h.t.Fatalf("%s could be done, and is refused as %s: %s", ev.Do, r.Err, h.kinds())
			}
		}
		return
	}
	if !could && !opening {
		h.t.Fatalf("%s is under way though it could not be done: %s", ev.Do, h.kinds())
	}
}

// does is the receptionist acting.
func (h *harness) does(do call.Action, to call.Destination) string {
	h.t.Helper()
	return h.act(call.Act{Agent: h.c.Agent(), Do: do, To: to})
}

func (h *harness) reserve(agent string) {
	h.t.Helper()
	if h.agents == nil {
		h.agents = map[string]bool{}
	}
	if h.agents[agent] {
		h.t.Fatalf("test reserves %s twice", agent)
	}
	h.agents[agent] = true
}

// newest is the leg of the same role that was made last.
func (h *harness) newest(id call.LegID) call.LegID {
	role, _, ok := strings.Cut(string(id), "-")
	if !ok {
		return id
	}
	role += string(id)[len(role) : len(role)+2]
	for n := 9; n > 0; n-- {
		if id := call.LegID(fmt.Sprint(role, n)); h.legs[id] != nil {
			return id
		}
	}
	return id
}

// possible tells whether an event can come on a leg as it stands.
func (h *harness) possible(id call.LegID, ev call.Event) bool {
	if _, is := ev.(call.Consult); is {
		return h.legs[id] == nil
	}
	l := h.legs[id]
	switch {
	case id == "":
		return true
	case l == nil || l.over:
		return false
	}
	up := l.accepted || l.answered
	switch e := ev.(type) {
	case call.Answered, call.Failed, call.Ringing, call.EarlyMedia:
		return !l.incoming && !up
	case call.Ended:
		return e.Cause == call.CauseFault || up == (e.Cause != call.CauseCancel)
	default:
		return up
	}
}

// own gives the call an event of the switchboard.
func (h *harness) own(ev call.Event) string { h.t.Helper(); return h.event("", ev) }

// until lets time pass, firing timers at their instants, and returns what was said meanwhile.
func (h *harness) until(end time.Duration) string {
	h.t.Helper()
	var said []string
	for {
		name, due := call.Timer(""), end+1
		for n, at := range h.timers {
			if at < due || at == due && n < name {
				name, due = n, at
			}
		}
		if due > end {
			h.now = end
			return strings.Join(said, "; ")
		}
		delete(h.timers, name)
		h.now = due
		h.own(call.Fired{Timer: name})
		if text := show(h.cmds); text != "" { // with what came of it
			said = append(said, text)
		}
	}
}

func (h *harness) pass(d time.Duration) string { h.t.Helper(); return h.until(h.now + d) }

func (h *harness) take(cmds []call.Command) {
	h.t.Helper()
	var after []call.Event
	for _, cmd := range cmds {
		if h.finished != nil {
			h.t.Fatalf("command after Finish: %s", show([]call.Command{cmd}))
		}
		switch cmd := cmd.(type) {
		case call.SignalCommand:
			h.signal(cmd)
		case call.MediaCommand:
			h.media(cmd)
		case call.Await:
			if h.auto && cmd.Step == call.StepArrived {
				after = append(after, call.Stored{Step: cmd.Step})
			}
		default:
			if ev := h.state(cmd); ev != nil {
				after = append(after, ev)
			}
		}
	}
	for _, ev := range after {
		if h.finished != nil {
			break // whom the pool reserved meanwhile is given back with the call
		}
		all := h.cmds
		h.own(ev)
		h.cmds = append(slices.Clip(all), h.cmds...)
	}
	h.check()
}

func (h *harness) live(id call.LegID, cmd call.Command) *leg {
	h.t.Helper()
	l := h.legs[id]
	if l == nil || l.over {
		h.t.Fatalf("%s names a leg that is not there", show([]call.Command{cmd}))
	}
	return l
}

func (h *harness) signal(cmd call.SignalCommand) {
	h.t.Helper()
	bad := func(why string) { h.t.Helper(); h.t.Fatalf("%s: %s", show([]call.Command{cmd}), why) }
	switch c := cmd.(type) {
	case call.Ring:
		if l := h.live(c.Leg, cmd); !l.incoming || l.accepted {
			bad("not ringing")
		}
	case call.Accept:
		l := h.live(c.Leg, cmd)
		if !l.incoming || l.accepted {
			bad("accepted twice, or not incoming")
		}
		l.accepted = true
	case call.Reject:
		l := h.live(c.Leg, cmd)
		if !l.incoming || l.accepted || c.Code < 300 || c.Code > 699 {
			bad("cannot be rejected so")
		}
		l.over = true
	case call.Dial:
		if h.legs[c.Leg] != nil {
			bad("leg exists")
		}
		if (c.To.Agent == "") == (c.To.Trunk == "") || c.Expires <= 0 {
			bad("no proper destination")
		}
		h.legs[c.Leg] = &leg{}
	case call.Hangup:
		h.live(c.Leg, cmd).over = true
	case call.AnswerRefer:
		h.live(c.Leg, cmd)
	case call.NotifyRefer:
		h.live(c.Leg, cmd)
		if c.Code < 100 || c.Code > 699 {
			bad("not a status")
		}
	}
}

// media requires that the legs named can carry media.
func (h *harness) media(cmd call.MediaCommand) {
	h.t.Helper()
	var ids []call.LegID
	switch c := cmd.(type) {
	case call.Play:
		ids = []call.LegID{c.Leg}
		if h.plays == nil {
			h.plays = map[call.LegID]string{}
		}
		h.plays[c.Leg] = c.Source
	case call.Say:
		ids = []call.LegID{c.Leg}
		if len(c.Clips) == 0 || c.Then == "" {
			h.t.Fatalf("%s: nothing to say, or nothing after it", show([]call.Command{cmd}))
		}
	case call.Connect:
		ids = []call.LegID{c.A, c.B}
	case call.Mix:
		ids = c.Legs
	case call.Disconnect:
		ids = []call.LegID{c.Leg}
	case call.Tone:
		ids = []call.LegID{c.Leg}
	}
	for _, id := range ids {
		if l := h.live(id, cmd); l.incoming && !l.accepted || !l.incoming && !l.answered && !l.early {
			h.t.Fatalf("%s: leg %s has no media", show([]call.Command{cmd}), id)
		}
	}
}

func (h *harness) state(cmd call.Command) call.Event {
	h.t.Helper()
	switch c := cmd.(type) {
	case call.Enqueue:
		switch {
		case h.queued:
			h.t.Fatal("queued twice")
		case !h.auto:
		case h.full && !c.Front:
			return call.QueueFull{}
		default:
			h.queued = true
			return call.Queued{}
		}
		h.queued = true
	case call.Announce:
		if !h.queued {
			h.t.Fatal("asks for a place without having one")
		}
		return h.place
	case call.Dequeue:
		h.queued = false
	case call.Free:
		if !h.agents[c.Agent] {
			h.t.Fatalf("frees %q, reserved are %v", c.Agent, h.agents)
		}
		delete(h.agents, c.Agent)
	case call.Reserve:
		if h.slow {
			h.pending = append(h.pending, c.Agent)
			return nil
		}
		return h.answerReserve(c.Agent)
	case call.Parked:
		if h.slot {
			h.t.Fatal("parked twice")
		}
		h.slot = true
	case call.Unparked:
		if !h.slot {
			h.t.Fatal("is in no slot")
		}
		h.slot = false
	case call.Wish:
		h.wishes++
	case call.Result:
		if !h.asked[c.Ref] {
			h.t.Fatalf("answers %q, which nobody asks for", c.Ref)
		}
		delete(h.asked, c.Ref)
	case call.Log:
		if c.Entry.Since != h.now || !c.Entry.Wall.Equal(begin.Add(h.now)) {
			h.t.Fatalf("entry %s not at the event's instant", c.Entry.Kind)
		}
		h.story = append(h.story, c.Entry)
	case call.Arm:
		if c.At < h.now {
			h.t.Fatalf("timer %s armed in the past", c.Timer)
		}
		h.timers[c.Timer] = c.At
	case call.Disarm:
		delete(h.timers, c.Timer)
	case call.Finish:
		h.finish(c)
	}
	return nil
}

// finish checks that nothing is left of an ended call.
func (h *harness) finish(f call.Finish) {
	h.t.Helper()
	h.finished = &f
	clear(h.timers)
	for id, l := range h.legs {
		if !l.over {
			h.t.Fatalf("leg %s outlives its call", id)
		}
	}
	if len(h.agents) > 0 {
		h.t.Fatalf("agents %v are still reserved", h.agents)
	}
	if len(h.asked) > 0 {
		h.t.Fatalf("acts %v were never answered", h.asked)
	}
	if h.slot {
		h.t.Fatal("the slot is still taken")
	}
	if h.queued {
		h.t.Fatal("call is still in line")
	}
	if last := h.story[len(h.story)-1]; last.Kind != call.KindEnded || last.Reason != call.EndReason(f.Outcome, f.Cause) {
		h.t.Fatalf("story ends with %s %s", last.Kind, last.Reason)
	}
	if !h.c.Done() {
		h.t.Fatal("call is not done")
	}
}

// meaning is which timers mean something in each phase.
var meaning = map[string][]call.Timer{
	"arriving": {call.TimerCommit},
	"waiting":  {call.TimerWait, call.TimerRingMode, call.TimerAnnounce, call.TimerHeartbeat},
	"offering": {call.TimerWait, call.TimerRingMode, call.TimerAnnounce, call.TimerHeartbeat, call.TimerRing, call.TimerPark},
	"opening":  {call.TimerWait, call.TimerRingMode, call.TimerAnnounce, call.TimerHeartbeat, call.TimerCommit, call.TimerPark},
	"talking": {call.TimerWarn, call.TimerIncluded, call.TimerLong, call.TimerLimit, call.TimerCap, call.TimerWhisper,
		call.TimerHeartbeat},
	"connecting": {call.TimerRecall, call.TimerHeartbeat},
	"connected":  {call.TimerHeartbeat},
	"forwarding": {call.TimerRecall, call.TimerHeartbeat},
	"leaving":    {call.TimerPrompt, call.TimerHeartbeat},
	"parked":     {call.TimerPark, call.TimerHeartbeat},
	"calling":    {call.TimerRecall},
	"ended":      {},
}

// check holds after every step: the call and the harness agree on who is reserved, no timer is armed that means nothing, and
// no more phones ring than are meant to.
func (h *harness) check() {
	h.t.Helper()
	phase := h.c.Phase()
	for timer := range h.timers {
		if !slices.Contains(meaning[phase], timer) {
			h.t.Fatalf("timer %s is armed while %s: %s", timer, phase, h.kinds())
		}
	}
	for _, id := range h.c.Agents() {
		if !h.agents[id] {
			h.t.Fatalf("call says it has %s, reserved are %v", id, h.agents)
		}
	}
	if n := len(h.c.Agents()); n != len(h.agents) {
		h.t.Fatalf("call has %v while %s, reserved are %v: %s", h.c.Agents(), phase, h.agents, h.kinds())
	}
	if phase != "offering" && phase != "ended" && h.c.Agent() == "" && len(h.agents) > 0 {
		h.t.Fatalf("%v are reserved for a call without an agent", h.agents)
	}
	h.looks()
	if parked := phase == "parked"; parked && !h.slot {
		h.t.Fatal("parked without a slot")
	}
}

// looks holds what a call looks like against itself.
func (h *harness) looks() {
	h.t.Helper()
	v := h.c.View(h.at())
	consults := v.Phase == call.PhaseConsulting
	far := consults || v.Phase == call.PhaseConference || v.Phase == call.PhaseConnecting || v.Phase == call.PhaseConnected || v.Phase == call.PhaseForwarding
	switch {
	case v.Phase == "" || v.Handled < h.c.Handled() || v.Handling && h.c.Agent() == "":
		h.t.Fatalf("looks like %+v: %s", v, h.kinds())
	case consults != (v.On != ""), far == v.Target.Since.IsZero(), v.Target.Since.After(h.at().Wall):
		h.t.Fatalf("looks like %+v: %s", v, h.kinds())
	case v.Target.Talking == (v.Phase == call.PhaseConnecting || v.Phase == call.PhaseForwarding), v.Phase == call.PhaseConference && !v.Target.Talking:
		if far && !consults {
			h.t.Fatalf("looks like %+v: %s", v, h.kinds())
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// kinds are the kinds of the story so far.
func (h *harness) kinds() string {
	var all []string
	for _, e := range h.story {
		all = append(all, string(e.Kind))
	}
	return strings.Join(all, " ")
}

func (h *harness) count(k call.Kind) (n int) {
	for _, e := range h.story {
		if e.Kind == k {
			n++
		}
	}
	return n
}

// show writes commands as a person would; entries of the story are in it by their kind.
func show(cmds []call.Command) string {
	var all []string
	for _, cmd := range cmds {
		all = append(all, showOne(cmd))
	}
	return strings.Join(all, ", ")
}

func showOne(cmd call.Command) string {
	switch c := cmd.(type) {
	case call.Ring:
		return fmt.Sprintf("ring %s", c.Leg)
	case call.Accept:
		return fmt.Sprintf("accept %s", c.Leg)
	case call.Reject:
		return fmt.Sprintf("reject %s %d", c.Leg, c.Code)
	case call.Dial:
		return fmt.Sprintf("dial %s to %s%s", c.Leg, c.To.Agent, c.To.Number) + strings.Repeat(" to answer", b2i(c.Answer))
	case call.Hangup:
		return fmt.Sprintf("hangup %s (%s)", c.Leg, c.Cause)
	case call.AnswerRefer:
		return fmt.Sprintf("answer refer %s %d", c.Leg, c.Code)
	case call.NotifyRefer:
		return fmt.Sprintf("notify %s %d", c.Leg, c.Code)
	case call.Play:
		return fmt.Sprintf("play %s to %s", c.Source, c.Leg)
	case call.Say:
		return fmt.Sprintf("say %s to %s, then %s", strings.Join(c.Clips, " "), c.Leg, c.Then)
	case call.Connect:
		return fmt.Sprintf("connect %s %s", c.A, c.B)
	case call.Disconnect:
		return fmt.Sprintf("silence %s", c.Leg)
	case call.Tone:
		return fmt.Sprintf("%s tone to %s", c.Kind, c.Leg)
	case call.Enqueue:
		if c.Group != "" {
			return "enqueue for " + c.Group
		}
		if c.Front {
			return "enqueue at the head"
		}
		return "enqueue"
	case call.Mix:
		return fmt.Sprintf("mix %v", c.Legs)
	case call.Reserve:
		return "reserve " + c.Agent
	case call.Result:
		return strings.TrimSpace("result " + string(c.Err))
	case call.Free:
		return fmt.Sprintf("free %s (%s)", c.Agent, c.How)
	case call.Log:
		return strings.TrimSpace(fmt.Sprintf("log %s %s", c.Entry.Kind, c.Entry.Reason))
	case call.Arm:
		return fmt.Sprintf("arm %s %v", c.Timer, c.At)
	case call.Disarm:
		return fmt.Sprintf("disarm %s", c.Timer)
	case call.Finish:
		return fmt.Sprintf("finish %s (%s)", c.Outcome, c.Cause)
	}
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", cmd), "call."))
}
