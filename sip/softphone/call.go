package softphone

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

type state int

const (
	offered   state = iota // came in, not answered
	calling                // went out, not answered
	confirmed              // the 200 was sent or received
	leaving                // CANCEL or BYE is on its way
	ended
)

// Trace is what a call saw on the wire, each with the instant that we sent or received it. Zero: it did not happen.
type Trace struct {
	Invited   time.Time
	Rang      time.Time // 180, or another provisional above 100
	Answered  time.Time // 200
	Acked     time.Time // ACK of the first 200
	Cancelled time.Time // CANCEL
	Bye       time.Time
	ByeFar    bool // the far side sent it
	Ended     time.Time
	Code      int // final status of the INVITE
	Reoffers  int // re-INVITEs and UPDATEs with a description that the far side sent
	Repeats   int // how often a 200 of ours was repeated for want of an ACK
}

// Call is one dialog with its audio.
type Call struct {
	ep       *endpoint
	key      dialogKey
	incoming bool
	invite   Invite
	audio    *Audio

	ctx    context.Context // ends with the call
	cancel context.CancelFunc
	rang   chan struct{} // closed at the first 18x
	up     chan struct{} // closed at the 200
	over   chan struct{} // closed when the call has ended

	mu    sync.Mutex // protects what follows; held while a request or response is written, never while waiting
	state state
	trace Trace
	err   error
	local local
	d     dialog
	in    *wire.ServerTx // the INVITE that came in
	out   *wire.ClientTx // the INVITE that went out
	// offer is the offer of the INVITE that came in; nil where it had none and the ACK brings the answer.
	offer    *description
	repeat   *repeater // a 2xx of ours that waits for its ACK
	wantBye  bool      // hang up when the ACK has come
	pending  bool      // a re-INVITE of ours is under way
	farHeld  bool      // the far side has put us on hold
	referral *Referral
	session  session
	limit    *time.Timer // the INVITE's Expires
	acks     map[uint32]*sip.Request
	onRefer  func(to string) []int // see OnRefer
}

func (e *endpoint) newCall(key dialogKey, incoming bool, invite Invite) (*Call, error) {
	voice := invite.Voice
	if voice == nil {
		voice = e.cfg.Voice()
	}
	audio := mute(voice)
	if e.cfg.Conn == nil {
		var err error
		if audio, err = openAudio(e.cfg.Listen.Addr(), e.cfg.Keep, voice); err != nil {
			return nil, err
		}
	}
	c := &Call{ep: e, key: key, incoming: incoming, invite: invite, audio: audio,
		rang: make(chan struct{}), up: make(chan struct{}), over: make(chan struct{}), acks: map[uint32]*sip.Request{}}
	c.ctx, c.cancel = context.WithCancel(e.ctx)
	c.local = local{addr: e.cfg.Listen.Addr(), port: audio.port(), session: uint64(rand.Uint32()), codecs: e.cfg.Codecs, events: eventsType}
	c.trace.Invited = time.Now()
	if !e.enroll(c) {
		audio.close()
		return nil, ErrClosed
	}
	return c, nil
}

// ID returns the Call-ID.
func (c *Call) ID() string { return c.key.callID }

// Incoming tells whether the far side called us.
func (c *Call) Incoming() bool { return c.incoming }

// Invite returns what the INVITE said.
func (c *Call) Invite() Invite { return c.invite }

// Audio returns the call's audio. What was heard can be asked for after the end too.
func (c *Call) Audio() *Audio { return c.audio }

// Ringing is closed when the far side rings, Answered at the 200, Ended when the call is over.
func (c *Call) Ringing() <-chan struct{}  { return c.rang }
func (c *Call) Answered() <-chan struct{} { return c.up }
func (c *Call) Ended() <-chan struct{}    { return c.over }

// Trace returns what was on the wire so far.
func (c *Call) Trace() Trace {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trace
}

// Held tells whether the far side has put us on hold.
func (c *Call) Held() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.farHeld
}

// Err tells why the call ended: nil where somebody hung up, *StatusError where it was refused.
func (c *Call) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Wait waits for the answer. It returns nil when the call is answered, *StatusError when it was refused.
func (c *Call) Wait(ctx context.Context) error {
	select {
	case <-c.up:
		return nil
	case <-c.over:
		select {
		case <-c.up: // answered and over since
			return nil
		default:
		}
		if err := c.Err(); err != nil {
			return err
		}
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// WaitEnd waits until the call is over.
func (c *Call) WaitEnd(ctx context.Context) error {
	select {
	case <-c.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Hangup ends the call in whatever state it is: 480 before we answered, CANCEL before the far side did, BYE after. Ended
// is closed when the far side has confirmed.
func (c *Call) Hangup() {
	c.mu.Lock()
	switch c.state {
	case offered:
		c.mu.Unlock()
		_ = c.Reject(sip.StatusTemporarilyUnavailable)
		return
	case calling:
		c.state = leaving
		c.trace.Cancelled = time.Now()
		if c.out != nil {
			c.ep.stack.Cancel(c.out)
		}
	case confirmed:
		if c.incoming && c.trace.Acked.IsZero() {
			c.wantBye = true // RFC 3261 section 15: not before the ACK
		} else {
			c.bye()
		}
	}
	c.mu.Unlock()
}

// bye sends BYE. It is called with the lock held.
func (c *Call) bye() {
	c.state = leaving
	c.trace.Bye = time.Now()
	dst := c.d.dest()
	// Not with the lock held: a request that cannot be sent ends the call at once.
	go c.ep.do(exchange{dst: dst, build: func() *sip.Request {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.next(sip.BYE)
	}, done: func(_ *sip.Request, res *sip.Response, err error) {
		switch {
		case err != nil:
			c.finish(fmt.Errorf("BYE: %w", err))
		case !res.IsSuccess() && res.StatusCode != sip.StatusCallTransactionDoesNotExists:
			c.finish(&StatusError{"BYE", res.StatusCode, res.Reason})
		default:
			c.finish(nil)
		}
	}})
}

// finish ends the call, once.
func (c *Call) finish(err error) {
	c.mu.Lock()
	if c.state == ended {
		c.mu.Unlock()
		return
	}
	c.state = ended
	c.err = err
	c.trace.Ended = time.Now()
	c.repeat.stop()
	c.session.stop()
	if c.limit != nil {
		c.limit.Stop()
	}
	r := c.referral
	c.mu.Unlock()
	c.ep.forget(c)
	c.audio.close()
	if r != nil {
		r.end(0, ErrEnded)
	}
	c.cancel()
	close(c.over)
}

// ring notes that the far side rings. It is called with the lock held.
func (c *Call) ring() {
	if c.trace.Rang.IsZero() {
		c.trace.Rang = time.Now()
		close(c.rang)
	}
}

// answer notes the 200. It is called with the lock held.
func (c *Call) answer(code int) {
	c.trace.Code = code
	if c.trace.Answered.IsZero() {
		c.trace.Answered = time.Now()
		close(c.up)
	}
}
