package call_test

import (
	"fmt"
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
	full     bool // the waiting line takes no more
	auto     bool // Enqueue is answered, and arrivals are durable, at once
	agent    string
	place    call.Place // what Announce is answered with
	finished *call.Finish
	cmds     []call.Command // of the last event, Log entries included
	story    []call.Entry
}

const caller = call.LegID("c")

func newHarness(t testing.TB, r call.Rules) *harness {
	h := &harness{t: t, legs: map[call.LegID]*leg{caller: {incoming: true}}, timers: map[call.Timer]time.Duration{}, auto: true,
		place: call.Place{Position: 3, Wait: 130 * time.Second}}
	h.c = call.New("k", r, caller, call.Party{Number: "+46701234567"})
	h.take(h.c.Begin(h.at(), call.Dialog{CallID: "in"}))
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
	case call.Consult:
		h.legs[id] = &leg{incoming: true}
	case call.Offered:
		if h.agent != "" {
			h.t.Fatalf("test offers a second agent")
		}
		h.agent, h.queued = e.Agent, false
	case call.QueueFull:
		h.queued = false
	}
	h.cmds = h.c.Handle(h.at(), id, ev)
	said := h.cmds
	h.take(said)
	return show(said)
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
		all := h.cmds
		h.own(ev)
		h.cmds = append(slices.Clip(all), h.cmds...)
	}
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
	case call.Say:
		ids = []call.LegID{c.Leg}
		if len(c.Clips) == 0 || c.Then == "" {
			h.t.Fatalf("%s: nothing to say, or nothing after it", show([]call.Command{cmd}))
		}
	case call.Connect:
		ids = []call.LegID{c.A, c.B}
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
		if c.Agent != h.agent || h.agent == "" {
			h.t.Fatalf("frees %q, reserved is %q", c.Agent, h.agent)
		}
		h.agent = ""
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
	if h.agent != "" {
		h.t.Fatalf("agent %s is still reserved", h.agent)
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
		return fmt.Sprintf("dial %s to %s%s", c.Leg, c.To.Agent, c.To.Number)
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
		if c.Front {
			return "enqueue at the head"
		}
		return "enqueue"
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
