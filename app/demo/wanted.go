package demo

import (
	"context"

	"telefonist/sip/softphone"
)

// reached plays the parties behind the PBX that receptionists connect callers with.
func (w *World) reached(ctx context.Context, c *softphone.Call) {
	i := c.Invite()
	p := w.playOf(i)
	if p == nil {
		_ = c.Reject(480)
		return
	}
	switch i.To {
	case extensionBusy:
		_ = c.Reject(486)
	case extensionForwards:
		softphone.ForwardTo(softphone.Forward{To: p.scene.tenant.number, Diversion: true, Foreign: p.no%2 == 0})(ctx, c)
	case extensionReached, extensionConsulted, mobileReached:
		c.Audio().Speak(softphone.Tone(targetTone(i.To)))
		p.mu.Lock()
		p.target = c
		p.mu.Unlock()
		softphone.AnswerAfter(2*w.unit)(ctx, c)
	default:
		p.problem("the PBX was asked for %s, which nobody dialled", i.To)
		_ = c.Reject(404)
	}
}

// over waits for the end of a call that should be at once.
func over(c *softphone.Call) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.WaitEnd(ctx) == nil
}
