package demo

import (
	"context"
	"time"

	"telefonist/sip/softphone"
)

// offered plays a receptionist whose phone is called.
func (w *World) offered(ctx context.Context, who int, c *softphone.Call) {
	p := w.playOf(c.Invite())
	if p == nil {
		_ = c.Reject(480) // a call of a world that was stopped
		return
	}
	first := p.enter()
	defer p.leave()
	c.Ring()
	if first {
		close(p.rung)
	}
	switch {
	case p.scene.scenario == Waiting, p.scene.scenario == Ringing:
		p.letRing(ctx, c)
	case p.scene.scenario == Missed && first:
		p.letRing(ctx, c)
	case softphone.Pause(ctx, w.unit) && c.Answer() == nil:
		p.converse(ctx, who, c)
	}
}

// letRing lets the phone ring until the server stops it.
func (p *play) letRing(ctx context.Context, c *softphone.Call) {
	<-ctx.Done()
	if c.Trace().Cancelled.IsZero() {
		p.problem("a phone that rang in vain was not sent CANCEL: %v", c.Err())
	}
}

// converse plays the conversation of a receptionist who has answered.
func (p *play) converse(ctx context.Context, who int, c *softphone.Call) {
	answered := c.Trace().Answered
	p.mu.Lock()
	p.agents[who] = true
	p.mu.Unlock()
	unit, limits := p.w.unit, p.w.cfg.Limits
	h := handling{p: p, c: c, from: answered}
	h.greet(ctx)
	switch p.scene.scenario {
	case Over:
		softphone.Pause(ctx, limits.Included+2*unit)
	case Long:
		softphone.Pause(ctx, limits.Long+2*unit)
	case Held:
		h.hold(ctx)
	case Direct:
		softphone.Pause(ctx, 2*unit)
		h.direct(ctx, 200)
	case Busy, Returned:
		softphone.Pause(ctx, 2*unit)
		h.direct(ctx, 486)
		softphone.Pause(ctx, 2*unit)
	case Announced:
		h.announce(ctx, who)
	default:
		softphone.Pause(ctx, 3*unit+unit/2)
	}
	h.part(ctx, who)
}

// greet waits until the caller is heard, as a receptionist does before she goes on: the server opens the audio when the
// answer is on disk.
func (h *handling) greet(ctx context.Context) {
	const clock, most = 20 * time.Millisecond, 3 * time.Second
	for waited := time.Duration(0); h.c.Audio().Heard().Packets == 0; waited += clock {
		if waited >= most {
			h.p.problem("the caller was not heard within %v of the answer", most)
			return
		}
		select {
		case <-h.c.Ended():
			return
		default:
		}
		if !softphone.Pause(ctx, clock) {
			return
		}
	}
}

// handling measures how long a receptionist is in the call, by what is on the wire at her phone.
type handling struct {
	p    *play
	c    *softphone.Call
	from time.Time // zero while she is not in the call
}

func (h *handling) leave(at time.Time) {
	if h.from.IsZero() {
		return
	}
	h.p.mu.Lock()
	h.p.handled += at.Sub(h.from)
	h.p.mu.Unlock()
	h.from = time.Time{}
}

// part ends the conversation: by turns the receptionist or the caller hangs up first. After a connection the receptionist
// is out of it already, and caller and wanted party talk for a while.
func (h *handling) part(ctx context.Context, who int) {
	p := h.p
	switch {
	case h.from.IsZero():
		if !over(h.c) {
			p.problem("the receptionist's phone was not sent BYE after the connection")
			h.c.Hangup()
		}
		softphone.Pause(context.WithoutCancel(ctx), 3*p.w.unit)
	case p.no%2 == 0:
		h.c.Hangup()
	}
	close(p.parted)
	if !over(h.c) {
		p.problem("the receptionist's phone was not told that the call is over")
		h.c.Hangup()
	}
	h.leave(h.c.Trace().Bye)
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := h.c.Audio()
	p.exp.Hearings = append(p.exp.Hearings,
		Hearing{p.w.cfg.Agents[who].ID, "the caller", p.w.unit / 2, heard.HeardTone(p.tone)})
	if n := heard.Heard(); n.Foreign > 0 || n.Jumps > 0 || n.Streams > 1 {
		p.exp.Problems = append(p.exp.Problems, "the receptionist's audio was not one stream")
	}
}

// hold puts the caller on hold, who hears music, and takes her back.
func (h *handling) hold(ctx context.Context) {
	p, unit := h.p, h.p.w.unit
	softphone.Pause(ctx, unit)
	if err := h.c.Hold(ctx); err != nil {
		p.problem("hold: %v", err)
		return
	}
	before := p.packets()
	softphone.Pause(ctx, 3*unit)
	if heard := p.packets() - before; heard < int(unit/(20*time.Millisecond)) {
		p.problem("the caller heard %d packets of music in %v on hold", heard, 3*unit)
	}
	if err := h.c.Resume(ctx); err != nil {
		p.problem("resume: %v", err)
	}
	softphone.Pause(ctx, 2*unit)
}

// packets is how many packets of audio the caller has heard.
func (p *play) packets() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.call.Audio().Heard().Packets
}

// direct connects the caller with the wanted party, who must say want: 200, or what brings the caller back.
func (h *handling) direct(ctx context.Context, want int) {
	p := h.p
	before := time.Now()
	r, err := h.c.Transfer(ctx, p.scene.target)
	if err != nil {
		p.problem("connect: %v", err)
		return
	}
	h.leave(before)
	h.await(ctx, r, want)
}

// await follows a transfer to its end. One that failed brings the receptionist back into the call.
func (h *handling) await(ctx context.Context, r *softphone.Referral, want int) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience+h.p.w.cfg.Limits.Included)
	defer cancel()
	code, err := r.Wait(limit)
	if err != nil || code != want {
		h.p.problem("the connection was reported as %d (%v), not %d", code, err, want)
	}
	if code >= 300 {
		h.from = time.Now()
	}
}

// announce calls the wanted party first, then connects the caller with her.
func (h *handling) announce(ctx context.Context, who int) {
	p, unit := h.p, h.p.w.unit
	softphone.Pause(ctx, unit)
	if err := h.c.Hold(ctx); err != nil {
		p.problem("hold: %v", err)
		return
	}
	second, err := p.w.phones[who].Dial(p.scene.target)
	if err != nil {
		p.problem("consult: %v", err)
		return
	}
	defer second.Hangup()
	if err := second.Wait(ctx); err != nil {
		p.problem("consult: %v", err)
		return
	}
	softphone.Pause(ctx, 2*unit)
	before := time.Now()
	r, err := h.c.TransferTo(ctx, second)
	if err != nil {
		p.problem("connect: %v", err)
		return
	}
	h.leave(before)
	h.await(ctx, r, 200)
	if !over(second) {
		p.problem("the consultation was not ended after the connection")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exp.Hearings = append(p.exp.Hearings, Hearing{p.w.cfg.Agents[who].ID, "the wanted party", unit / 2,
		second.Audio().HeardTone(targetTone(p.reachedNumber()))})
}

func (p *play) reachedNumber() string {
	if p.scene.target == mobileDialled {
		return mobileReached
	}
	return p.scene.target
}
