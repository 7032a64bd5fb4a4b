package message

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"telefonist/record"
)

// Transport hands messages to a gateway. Its methods are called by several goroutines at once.
type Transport interface {
	// Name of the gateway, in records and receipts: "smtp", "46elks".
	Name() string
	// Send hands one message over and waits for the answer, until ctx ends. What is sent carries o.Key(), so that the
	// gateway can know it again. The error should be a *Failure; any other counts as temporary and uncertain. It gives the
	// gateway's own name for the message, empty where it gives none.
	Send(ctx context.Context, o record.Outgoing) (gatewayID string, err error)
}

// Receiver is a transport whose gateway tells later what became of a message.
type Receiver interface {
	// Receipts reads what the gateway posted. Fields are those of the query and, where the body is a form, of the body.
	Receipts(fields url.Values, body []byte) ([]Notice, error)
}

// Notice is a receipt together with which message it is about: by its key or by the gateway's own name. Where both are empty,
// it is the message that the address of the hook names.
type Notice struct {
	Key       string
	GatewayID string
	Receipt   record.Receipt
}

// Failure is why an attempt failed.
type Failure struct {
	// Code says it in short and holds no personal data: "smtp 450 4.7.1", "http 429", "timeout".
	Code string
	// Detail is what the far side said, for whoever looks at the message. It is never logged.
	Detail string
	// Permanent: this message will never be taken as it is.
	Permanent bool
	// Gateway: the gateway itself cannot be used, so no other message would fare better now.
	Gateway bool
	// Uncertain: the gateway may have taken the message.
	Uncertain bool
	// After is how long the gateway wants to be left alone; zero: it does not say.
	After time.Duration
}

// Error gives the code alone, so that it can be logged.
func (f *Failure) Error() string { return f.Code }

// failureOf makes any error a Failure.
func failureOf(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	code := "error"
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		code = "timeout"
	}
	return &Failure{Code: code, Detail: err.Error(), Uncertain: true}
}

// maxDetail bounds what is kept of what a far side said, in bytes.
const maxDetail = 500

// Shorten cuts what a far side said to what is worth keeping, and makes it printable.
func Shorten(s string) string {
	var b []rune
	for _, r := range s {
		if len(b) == maxDetail {
			break
		}
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			r = ' '
		}
		b = append(b, r)
	}
	return string(b)
}

// Retry says how attempts are repeated.
type Retry struct {
	First  time.Duration // before the second attempt; default 10 s
	Max    time.Duration // at most between attempts; default 15 min
	GiveUp time.Duration // after this long a message becomes a dead letter; default 24 h
}

// backOff is the pause behind the n-th failed attempt (from 1): it doubles from first up to limit, and half of it is left to
// chance, so that those who failed together do not come back together. chance is in [0, 1).
func backOff(first, limit time.Duration, n int, chance float64) time.Duration {
	d := first
	for range min(n-1, 62) {
		if d >= limit/2 {
			d = limit
			break
		}
		d *= 2
	}
	d = min(d, limit)
	return d/2 + time.Duration(chance*float64(d/2))
}

// Mask hides the greater part of an address: "+467…67", "k…@example.com".
func Mask(address string) string {
	r := []rune(address)
	for i, c := range r {
		if c == '@' && i > 0 {
			return string(r[:1]) + "…" + string(r[i:])
		}
	}
	if len(r) < 8 {
		return "…"
	}
	return fmt.Sprintf("%s…%s", string(r[:4]), string(r[len(r)-2:]))
}
