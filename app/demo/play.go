package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"telefonist/sip/softphone"
)

// patience is how long the far side may take for what should be at once.
const patience = 10 * time.Second

// slack is how far the handling time may lie from what the receptionist's phone saw: two ways through the kernel and the
// scheduler of a busy machine.
const slack = 600 * time.Millisecond

// play is one call of the script as it is played.
type play struct {
	w      *World
	scene  scene
	no     int
	caller string
	tone   float64

	rung   chan struct{} // closed when a receptionist's phone rings
	parted chan struct{} // closed when the receptionist has done her part and the caller is to hang up

	mu      sync.Mutex // protects what follows
	exp     Expectation
	call    *softphone.Call // the caller's
	target  *softphone.Call // the wanted party's
	offers  int
	busy    int           // receptionists who play a part in it now
	idle    sync.Cond     // signalled when nobody does
	agents  map[int]bool  // receptionists who answered
	handled time.Duration // measured at their phones
	stopped bool
}

func (p *play) problem(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exp.Problems = append(p.exp.Problems, fmt.Sprintf(format, args...))
}

// enter begins a receptionist's part; first tells that she is the first who is offered the call. leave ends it.
func (p *play) enter() (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy++
	p.offers++
	return p.offers == 1
}

func (p *play) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.idle.Broadcast()
}

func (p *play) tell(what string) {
	h := Happening{At: time.Now(), No: p.no, Scenario: p.scene.scenario, Caller: p.caller, Called: p.scene.tenant.number, What: what}
	if p.scene.scenario == Unknown {
		h.Called = nobodys
	}
	p.mu.Lock()
	h.SIPCall = p.exp.SIPCall
	p.mu.Unlock()
	p.w.told(h)
}

// invite makes the caller's INVITE as the PBX forwards it. How it tells the number that the caller dialled changes.
func (p *play) invite() softphone.Invite {
	t := p.scene.tenant
	i := softphone.Invite{To: t.number, From: p.caller, Name: fmt.Sprintf("Uppringare %d", p.no), Identity: p.caller,
		Voice: softphone.Tone(p.tone)}
	if p.scene.scenario == Unknown {
		i.To = nobodys
		return i
	}
	dialled := t.entrances[p.no%2].number
	p.exp.CommonNumber = dialled
	switch p.no % 3 {
	case 0:
		i.History = []string{dialled, t.number}
	case 1:
		i.Diversion = []string{dialled}
	default:
		i.ToHeader = dialled
	}
	return i
}

// perform plays the caller. The context stops it early.
func (p *play) perform(ctx context.Context) {
	c, err := p.w.pbx.Place(p.invite())
	if err != nil {
		p.problem("could not be placed: %v", err)
		return
	}
	p.mu.Lock()
	p.call, p.exp.SIPCall = c, c.ID()
	p.mu.Unlock()
	defer p.end(c)
	limit, cancel := context.WithTimeout(ctx, p.longest())
	defer cancel()
	switch p.scene.scenario {
	case Unknown:
		p.refused(limit, c)
	case Waiting:
		if err := c.Wait(limit); err == nil {
			softphone.Pause(limit, 3*p.w.unit)
		}
	case Ringing:
		if p.after(limit, p.rung, "a receptionist's phone rang") {
			softphone.Pause(limit, 3*p.w.unit)
		}
	default:
		p.after(limit, p.parted, "a receptionist took care of it")
	}
	if ctx.Err() != nil {
		p.mu.Lock()
		p.stopped = true
		p.mu.Unlock()
	}
}

// longest is how long a call may take at all: the others before it in the queue, and its own.
func (p *play) longest() time.Duration { return 30*time.Second + 8*p.w.cfg.Limits.Long }

// after waits for something before the caller goes on; where the call ends first, it ended too early.
func (p *play) after(ctx context.Context, ch <-chan struct{}, what string) bool {
	select {
	case <-ch:
		return true
	case <-p.call.Ended():
		grace := time.NewTimer(p.w.unit) // the receptionist's phone may hear of it a little later
		defer grace.Stop()
		select {
		case <-ch:
			return true
		case <-grace.C:
			p.problem("ended before %s: %v", what, p.call.Err())
		}
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			p.problem("gave up after %v before %s", p.longest(), what)
		}
	}
	return false
}

func (p *play) refused(ctx context.Context, c *softphone.Call) {
	var status *softphone.StatusError
	if err := c.Wait(ctx); !errors.As(err, &status) || status.Code != p.exp.Refused {
		p.problem("was not refused with %d but: %v", p.exp.Refused, err)
		return
	}
	p.tell(fmt.Sprintf("refused with %d %s", status.Code, status.Reason))
}

// end hangs up and measures what the caller saw and heard.
func (p *play) end(c *softphone.Call) {
	c.Hangup()
	if !over(c) {
		p.problem("the caller's hanging up was never confirmed")
	}
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	if target != nil && !over(target) {
		p.problem("the wanted party was not told that the caller hung up")
		target.Hangup()
	}
	if p.scene.scenario == Ringing && !p.stopped {
		p.gaveUp(c)
	}
	p.listen(c, target)
	p.w.mu.Lock()
	if p.w.plays[p.caller] == p {
		delete(p.w.plays, p.caller)
	}
	p.w.mu.Unlock()
}

// gaveUp checks the caller's side of a CANCEL. Where the server took the call into the queue before, it was a BYE.
func (p *play) gaveUp(c *softphone.Call) {
	var status *softphone.StatusError
	if t := c.Trace(); t.Answered.IsZero() && (!errors.As(c.Err(), &status) || status.Code != 487) {
		p.problem("CANCEL was not answered by 487 but: %v", c.Err())
	}
}

// listen tells who heard whom.
func (p *play) listen(c, target *softphone.Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	heard := c.Audio()
	hear := func(who, whom string, want, got time.Duration) {
		p.exp.Hearings = append(p.exp.Hearings, Hearing{who, whom, want, got})
	}
	for i, a := range p.w.cfg.Agents {
		want := time.Duration(0)
		if p.agents[i] {
			want = p.w.unit / 2
		}
		hear("the caller", a.ID, want, heard.HeardTone(agentTone(i)))
	}
	if target != nil && p.exp.Mediated != "" {
		to := targetTone(target.Invite().To)
		hear("the caller", "the wanted party", p.w.unit/2, heard.HeardTone(to))
		hear("the wanted party", "the caller", p.w.unit/2, target.Audio().HeardTone(p.tone))
	}
	if h := heard.Heard(); h.Streams > 1 || h.Jumps > 0 || h.Foreign > 0 {
		p.exp.Problems = append(p.exp.Problems, fmt.Sprintf("the caller's audio was not one stream: %+v", h))
	}
}

// result closes the expectation when everybody has done their part.
func (p *play) result() Expectation {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.busy > 0 {
		p.idle.Wait()
	}
	e := p.exp
	e.HandledMin, e.HandledMax = max(0, p.handled-slack), p.handled+slack
	if e.Broken = p.stopped; e.Broken {
		e.Problems, e.Hearings = nil, nil
	}
	return e
}
