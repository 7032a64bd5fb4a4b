package record

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func message(id string) Message {
	return Message{ID: id, Tenant: "acme", Channel: SMS, To: Recipient{Kind: ToPerson, Address: "+46701234567"}, Text: "Hej", Created: begin}
}

func TestMessagesThatCannotBeSentAreNotValid(t *testing.T) {
	good := message("A-z_9")
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Message){
		"id":      func(m *Message) { m.ID = "" },
		"id ":     func(m *Message) { m.ID = "a.1" },
		" id":     func(m *Message) { m.ID = strings.Repeat("a", 65) },
		"tenant":  func(m *Message) { m.Tenant = "" },
		"channel": func(m *Message) { m.Channel = "fax" },
		"to":      func(m *Message) { m.To.Address = "" },
		"text":    func(m *Message) { m.Text = "" },
		"text ":   func(m *Message) { m.Text = strings.Repeat("a", maxMessageText+1) },
		"created": func(m *Message) { m.Created = time.Time{} },
		"subject": func(m *Message) { m.Subject = "a\r\nBcc: b" },
		"to.name": func(m *Message) { m.To.Name = "a\nb" },
		"UTF-8":   func(m *Message) { m.Text = "\xff" },
	} {
		m := message("m")
		spoil(&m)
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysSayHowOftenAMessageWasQueued(t *testing.T) {
	o := NewOutgoing(message("m1"))
	for _, want := range []string{"m1", "m1.1", "m1.2"} {
		if got := o.Key(); got != want {
			t.Errorf("key %q, want %q", got, want)
		}
		id, n, ok := SplitKey(o.Key())
		if !ok || id != "m1" || n != o.Resent {
			t.Errorf("key %q is %q, %d, %v", o.Key(), id, n, ok)
		}
		o.Resent++
	}
	for _, bad := range []string{"", ".1", "m1.", "m1.0", "m1.01", "m1.x", "m1.-1", "m 1", "m1.1.1"} {
		if _, _, ok := SplitKey(bad); ok {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}

// step is one thing that happens to a message.
type step func(*Outgoing) error

var (
	claim    step = func(o *Outgoing) error { return o.Claim(begin, "gw") }
	accept   step = func(o *Outgoing) error { return o.Accept(begin, "id") }
	postpone step = func(o *Outgoing) error { return o.Postpone(begin, "http 500", "", true) }
	fail     step = func(o *Outgoing) error { return o.Fail(begin, "http 400", "") }
	requeue  step = func(o *Outgoing) error { return o.Requeue(begin, "anna") }
)

func receive(s MessageState) step {
	return func(o *Outgoing) error { return o.Receive(Receipt{At: begin, State: s, Code: string(s)}) }
}

func TestStatesFollowOneAnother(t *testing.T) {
	underWay, delivered, failed := receive(MessageSent), receive(MessageDelivered), receive(MessageFailed)
	for _, c := range []struct {
		name  string
		steps []step
		want  MessageState
		err   bool // the last step is refused
	}{
		{"sent", []step{claim, accept}, MessageSent, false},
		{"delivered", []step{claim, accept, delivered}, MessageDelivered, false},
		{"delivered stands", []step{claim, accept, delivered, failed}, MessageDelivered, false},
		{"delivered after all", []step{claim, accept, failed, delivered}, MessageDelivered, false},
		{"failed stands against under way", []step{claim, accept, failed, underWay}, MessageFailed, false},
		{"under way changes nothing", []step{claim, accept, underWay}, MessageSent, false},
		{"receipt before the answer", []step{claim, delivered, accept}, MessageDelivered, false},
		{"receipt before an answer that is lost", []step{claim, delivered, postpone}, MessageDelivered, false},
		{"under way before an answer that is lost", []step{claim, underWay, postpone}, MessageSent, false},
		{"failed before an answer that is lost", []step{claim, failed, postpone}, MessageFailed, false},
		{"receipt of an attempt that seemed to fail", []step{claim, postpone, underWay}, MessageSent, false},
		{"delivered though given up", []step{claim, postpone, claim, fail, delivered}, MessageDelivered, false},
		{"failed says nothing new of one given up", []step{claim, fail, failed}, MessageFailed, false},
		{"crash and again", []step{claim, claim}, MessageSending, false},
		{"resent", []step{claim, fail, requeue}, MessageQueued, false},
		{"resent and sent", []step{claim, fail, requeue, claim, accept}, MessageSent, false},
		{"a receipt of nothing", []step{delivered}, MessageQueued, true},
		{"a receipt that says queued", []step{claim, accept, receive(MessageQueued)}, MessageSent, true},
		{"accepted unasked", []step{accept}, MessageQueued, true},
		{"resent though sent", []step{claim, accept, requeue}, MessageSent, true},
		{"claimed though sent", []step{claim, accept, claim}, MessageSent, true},
		{"failed though sent", []step{claim, accept, fail}, MessageSent, true},
	} {
		o := NewOutgoing(message("m"))
		for i, s := range c.steps {
			err := s(&o)
			if refused := c.err && i == len(c.steps)-1; (err != nil) != refused || refused && !errors.Is(err, ErrMessageState) {
				t.Errorf("%s: step %d: %v", c.name, i, err)
			}
		}
		if o.State != c.want {
			t.Errorf("%s: %s, want %s", c.name, o.State, c.want)
		}
	}
}

func TestRandomStepsKeepMessagesWhole(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	steps := []step{claim, accept, postpone, fail, requeue, receive(MessageSent), receive(MessageDelivered), receive(MessageFailed)}
	for range 2000 {
		o := NewOutgoing(message("m"))
		var trail []int
		for range 12 {
			i, was := rnd.IntN(len(steps)), o
			trail = append(trail, i)
			if err := steps[i](&o); err != nil && fmt.Sprint(o) != fmt.Sprint(was) {
				t.Fatalf("%v: a refused step changed the message", trail)
			}
			ended := o.State == MessageDelivered || o.State == MessageFailed
			if ended == o.Ended.IsZero() || o.State == MessageDelivered && o.Sent.IsZero() || was.State == MessageDelivered && o.State != MessageDelivered ||
				!o.Waits() && !o.Due.IsZero() {
				t.Fatalf("%v: %+v", trail, o)
			}
		}
	}
}
