package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/internal/memnet"
)

// TestRandomHistoriesEndEveryLeg lets callers, phones and the switchboard do anything in any order over a network that loses,
// doubles and delays packets. Whatever happens, once all legs are hung up they are gone within the time of a transaction, no
// leg ended twice, and nothing was told after the end (checked by the world).
func TestRandomHistoriesEndEveryLeg(t *testing.T) {
	histories := 60
	if testing.Short() {
		histories = 20
	}
	for seed := range histories {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inWorld(t, func(w *world) { (&chaos{w: w, r: rand.New(rand.NewPCG(uint64(seed), 0))}).run() })
		})
	}
}

type chaos struct {
	w     *world
	r     *rand.Rand
	talks []*talk
	asked []*msg.Request // INVITEs of ours that the far sides have seen
	seen  map[*far]int
	legs  []call.LegID
	refs  map[call.LegID]string
}

func (c *chaos) run() {
	c.refs = map[call.LegID]string{}
	c.w.register("anna", c.w.phone, c.w.other)
	c.w.phones.agents["good"] = "anna"
	lossy := rand.New(rand.NewPCG(c.r.Uint64(), 1))
	c.w.net.Hook(func(memnet.Packet) memnet.Fate {
		switch lossy.IntN(10) {
		case 0:
			return memnet.Lose()
		case 1:
			return memnet.Fate{0, time.Duration(lossy.IntN(2000)) * time.Millisecond}
		case 2:
			return memnet.Fate{time.Duration(lossy.IntN(700)) * time.Millisecond}
		}
		return memnet.Deliver()
	})
	for range 60 {
		c.step()
		c.look()
		time.Sleep(time.Duration(c.r.IntN(3000)) * time.Millisecond)
	}
	if c.r.IntN(4) == 0 {
		c.closes()
		return
	}
	c.w.srv.SetDraining(true)
	time.Sleep(3 * time.Second) // what is still on its way
	c.look()
	for _, l := range c.legs {
		c.w.srv.Do(call.Hangup{Leg: l})
	}
	for range 50 {
		c.look()
		time.Sleep(2 * time.Second)
	}
	synctest.Wait()
	c.w.srv.mu.Lock()
	defer c.w.srv.mu.Unlock()
	for id, l := range c.w.srv.legs {
		c.w.t.Errorf("leg %s (%s) is left in phase %d", id, l.dir, l.phase)
	}
}

// closes ends the server in the middle of everything: the world sees to it that nothing is left.
func (c *chaos) closes() {
	start, done := time.Now(), make(chan error, 1)
	go func() { done <- c.w.srv.Close(context.Background()) }()
	for range 25 {
		c.step()
		c.look()
		time.Sleep(100 * time.Millisecond)
	}
	if err := <-done; err != nil {
		c.w.t.Error(err)
	}
	if d := time.Since(start); d > 3*time.Second {
		c.w.t.Errorf("closed after %s", d)
	}
}

// step does one random thing.
func (c *chaos) step() {
	w := c.w
	switch c.r.IntN(14) {
	case 0, 1:
		k := w.pbx.calls(fmt.Sprint("c", len(c.talks)))
		body := sdp("192.0.2.10")
		if c.r.IntN(4) == 0 {
			body = ""
		}
		k.invite(body, "Supported: timer", "Session-Expires: 90", "Allow: UPDATE")
		c.talks = append(c.talks, k)
	case 2:
		id := call.LegID(fmt.Sprint("out", len(c.legs)))
		c.legs = append(c.legs, id)
		w.srv.Do(call.Dial{Leg: id, To: call.Destination{Agent: "anna"}, Expires: 10 * time.Second})
	case 3:
		id := call.LegID(fmt.Sprint("out", len(c.legs)))
		c.legs = append(c.legs, id)
		w.srv.Do(call.Dial{Leg: id, To: call.Destination{Trunk: "pbx", Number: "205"}})
	case 4, 5, 6:
		c.command()
	case 7, 8, 9:
		c.talk()
	case 10: // a phone calls out
		k := w.phone.calls(fmt.Sprint("p", len(c.talks)))
		k.invite(sdp("198.51.100.5"), "Proxy-Authorization: good")
		c.talks = append(c.talks, k)
	case 11: // a transfer is reported and the phone hung up, in one breath
		if len(c.legs) > 0 {
			leg := c.legs[c.r.IntN(len(c.legs))]
			w.srv.Do(call.AnswerRefer{Leg: leg, Ref: c.refs[leg], Code: 202})
			w.srv.Do(call.NotifyRefer{Leg: leg, Ref: c.refs[leg], Code: []int{180, 200, 486}[c.r.IntN(3)]})
			w.srv.Do(call.Hangup{Leg: leg, Cause: []call.Cause{call.CauseBye, call.CauseElse}[c.r.IntN(2)]})
		}
	default:
		c.reply()
	}
}

// command has the switchboard say something to some leg.
func (c *chaos) command() {
	if len(c.legs) == 0 {
		return
	}
	leg := c.legs[c.r.IntN(len(c.legs))]
	all := []call.SignalCommand{call.Ring{Leg: leg}, call.Accept{Leg: leg}, call.Accept{Leg: leg}, call.Reject{Leg: leg, Code: 486},
		call.Hangup{Leg: leg}, call.AnswerRefer{Leg: leg, Ref: c.refs[leg], Code: 202}, call.NotifyRefer{Leg: leg, Ref: c.refs[leg], Code: 200}}
	c.w.srv.Do(all[c.r.IntN(len(all))])
}

// talk has a far side send something in some dialog.
func (c *chaos) talk() {
	if len(c.talks) == 0 {
		return
	}
	k := c.talks[c.r.IntN(len(c.talks))]
	switch c.r.IntN(10) {
	case 0:
		k.cancel()
	case 1:
		k.bye()
	case 2, 3, 4:
		k.requestSeq("ACK", k.invited, sdp("192.0.2.10"))
	case 5:
		k.invite(sdp(k.f.addr.Addr().String(), []string{"a=sendonly", "a=sendrecv", "a=inactive"}[c.r.IntN(3)]))
	case 6:
		k.invite("")
	case 7:
		k.send("UPDATE", "", "Supported: timer")
	case 8, 9:
		k.send("REFER", "", "Refer-To: <sip:205@x>")
	}
}

// reply answers some INVITE of ours, late or never.
func (c *chaos) reply() {
	if len(c.asked) == 0 {
		return
	}
	req := c.asked[c.r.IntN(len(c.asked))]
	f := c.farOf(req)
	tag := fmt.Sprint("t", c.r.IntN(2))
	switch code := []int{100, 180, 183, 200, 200, 200, 486, 487, 491, 422, 503, 603}[c.r.IntN(12)]; code {
	case 183, 200:
		f.reply(req, code, tag, sdp(f.addr.Addr().String()))
		k := f.called(req, tag)
		k.seq += 1000 * len(c.talks)
		c.talks = append(c.talks, k)
	default:
		f.reply(req, code, tag, "", "Min-SE: 100")
	}
}

func (c *chaos) farOf(req *msg.Request) *far {
	for _, f := range []*far{c.w.phone, c.w.other} {
		if c.seen[f] > 0 && req.Destination() == f.addr.String() {
			return f
		}
	}
	return c.w.pbx
}

// look takes what has come to the far sides and to the switchboard, and answers what needs no thought.
func (c *chaos) look() {
	c.seen = map[*far]int{c.w.phone: 1, c.w.other: 1}
	for _, f := range []*far{c.w.pbx, c.w.phone, c.w.other} {
		for m := f.next(); m != nil; m = f.next() {
			c.take(f, m)
		}
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	for ; c.w.seen < len(c.w.events); c.w.seen++ {
		p := c.w.events[c.w.seen]
		switch ev := p.ev.(type) {
		case call.Arrived, call.Dialled:
			c.legs = append(c.legs, p.leg)
		case call.Referred:
			c.refs[p.leg] = ev.Ref
		}
	}
}

func (c *chaos) take(f *far, m msg.Message) {
	switch m := m.(type) {
	case *msg.Response:
		for _, k := range c.talks {
			if k.callID == m.CallID().Value() && m.StatusCode > 100 && m.CSeq().MethodName == msg.INVITE {
				k.answered(m)
			}
		}
	case *msg.Request:
		switch {
		case m.Method == msg.INVITE:
			m.SetDestination(f.addr.String())
			c.asked = append(c.asked, m)
		case m.Method != msg.ACK && c.r.IntN(4) > 0:
			f.reply(m, []int{200, 200, 200, 481, 500}[c.r.IntN(5)], "t0", "")
		}
	}
}
