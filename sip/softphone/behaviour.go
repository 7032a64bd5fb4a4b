package softphone

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Behaviour decides what becomes of a call that comes in. The context ends with the call; a behaviour must return
// then, and may return earlier.
type Behaviour func(ctx context.Context, c *Call)

// AnswerAfter rings and answers after the delay, then leaves the call to the far side.
func AnswerAfter(delay time.Duration) Behaviour {
	return func(ctx context.Context, c *Call) {
		c.Ring()
		if Pause(ctx, delay) {
			_ = c.Answer() // it fails only where the far side gave up meanwhile
		}
	}
}

// Decline refuses at once: 486 busy, 603 declined.
func Decline(code int) Behaviour {
	return func(_ context.Context, c *Call) { _ = c.Reject(code) }
}

// Ignore lets it ring.
func Ignore() Behaviour {
	return func(_ context.Context, c *Call) { c.Ring() }
}

// ByNumber chooses by the user part of the Request-URI.
func ByNumber(numbers map[string]Behaviour, otherwise Behaviour) Behaviour {
	return func(ctx context.Context, c *Call) {
		b := numbers[c.Invite().To]
		if b == nil {
			b = otherwise
		}
		b(ctx, c)
	}
}

// Pause waits; false means that the context ended first.
func Pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Forward describes where a PBX sends a call on to, through the server.
type Forward struct {
	// To is the number called anew, From the caller shown; empty: the caller of the call that came in.
	To, From string
	// Diversion tells by Diversion and History-Info that the called number sent the call on.
	Diversion bool
	// Foreign keeps header fields that the PBX does not know (X-…), as good ones do.
	Foreign bool
	// Placed, where set, is told of the new call.
	Placed func(*Call)
}

// ForwardTo sends calls on by a new INVITE of the PBX, and relays how that ends: its refusal, or the answer. Audio is
// not relayed.
func ForwardTo(f Forward) Behaviour {
	return func(ctx context.Context, c *Call) {
		in := c.Invite()
		out := Invite{To: f.To, From: f.From}
		if out.From == "" {
			out.From, out.Name, out.Identity = in.From, in.Name, in.Identity
		}
		if f.Diversion {
			out.Diversion = append([]string{in.To}, in.Diversion...)
			out.History = append(append([]string{}, in.History...), f.To)
			if len(in.History) == 0 {
				out.History = []string{in.To, f.To}
			}
		}
		if f.Foreign {
			out.Headers = in.Headers
		}
		next, err := c.ep.call(out)
		if err != nil {
			_ = c.Reject(sip.StatusServiceUnavailable)
			return
		}
		if f.Placed != nil {
			f.Placed(next)
		}
		c.Ring()
		if err := next.Wait(ctx); err != nil {
			code := sip.StatusTemporarilyUnavailable
			if status, ok := err.(*StatusError); ok {
				code = status.Code
			}
			next.Hangup()
			_ = c.Reject(code)
			return
		}
		_ = c.Answer()
		select {
		case <-ctx.Done():
			next.Hangup()
		case <-next.Ended():
			c.Hangup()
		}
	}
}
