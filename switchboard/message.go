package switchboard

import (
	"context"
	"errors"
	"time"

	"telefonist/call"
	"telefonist/record"
)

// Errors of messages.
var (
	// ErrNoCall: no such call is live, or it is so new that nothing of it is durable yet.
	ErrNoCall = errors.New("no such call is live")
	// ErrNotDurable: the message is kept in memory and written as soon as the store can, but that has not happened yet.
	ErrNotDurable = errors.New("the store cannot write at the moment: the message is kept and written as soon as it can")
	// ErrTooManyMessages: the call has maxMessages already.
	ErrTooManyMessages = errors.New("the call has too many messages")
)

// maxMessages bounds what one call may send, so that its memory is bounded.
const maxMessages = 50

// mailing is the messages of a live call. The loop owns it.
type mailing struct {
	messages []record.Message
	written  int // those that are durable
	waiting  []mailWait
}

// mailWait is somebody who waits for a message to be durable.
type mailWait struct {
	upTo int // how many messages must be
	done chan error
}

// CallFacts is what a message takes from its live call.
type CallFacts struct {
	Call         call.ID
	Tenant       string
	CommonNumber string // E.164, empty where none is known
	CommonName   string
	Received     time.Time
	Caller       call.Party
	Agent        string // who has the call, or had it where it has ended; empty for nobody
}

// Facts tells of a live call; ErrNoCall where there is none.
func (b *Board) Facts(ctx context.Context, id call.ID) (f CallFacts, err error) {
	found := false
	err = b.look(ctx, func() {
		l := b.calls[id]
		if found = l != nil && l.saved > 0; !found {
			return
		}
		r := &l.head.Rules
		f = CallFacts{Call: id, Tenant: r.Tenant, CommonNumber: r.CommonNumber, CommonName: r.CommonName, Received: l.head.Received,
			Caller: l.head.Caller, Agent: l.call.Agent()}
		if l.final != nil {
			f.Agent = l.final.Parties.Agent // what its record will say
		}
	})
	if err == nil && !found {
		err = ErrNoCall
	}
	return f, err
}

// Message puts a message into the outbox together with the next line of its call's story, in one transaction, and waits
// until that is durable. A message whose id the call has already is not put there again; held is the one that is. Where the
// store fails, the message is kept and goes along with the next attempt, once, and the error is ErrNotDurable. A call that has
// ended takes messages until its record is durable; ErrNoCall afterwards.
func (b *Board) Message(ctx context.Context, m record.Message) (held record.Message, err error) {
	done := make(chan error, 1)
	if err := b.ask(ctx, func() { held, err = b.message(m, done) }); err != nil {
		return record.Message{}, err
	}
	if err != nil {
		return record.Message{}, err
	}
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ErrNotDurable
	case <-b.done:
		select {
		case err = <-done: // the loop's last act
		default:
			err = ErrStopped
		}
	}
	return held, err
}

// message takes a message for a call.
func (b *Board) message(m record.Message, done chan error) (record.Message, error) {
	l := b.calls[m.Call]
	if l == nil || l.saved == 0 || l.head.Rules.Tenant != m.Tenant {
		return m, ErrNoCall
	}
	if err := m.Validate(); err != nil {
		return m, err
	}
	for i, had := range l.mail.messages {
		if had.ID != m.ID {
			continue
		}
		if i < l.mail.written {
			done <- nil
		} else {
			l.mail.waiting = append(l.mail.waiting, mailWait{i + 1, done})
		}
		return had, nil
	}
	if len(l.mail.messages) >= maxMessages {
		return m, ErrTooManyMessages
	}
	now := time.Now()
	l.mail.messages = append(l.mail.messages, m)
	l.mail.waiting = append(l.mail.waiting, mailWait{len(l.mail.messages), done})
	if l.final == nil {
		at := l.instant(now)
		b.story(l, call.Entry{Wall: at.Wall, Since: at.Since, Kind: call.KindMessaged, Agent: m.Agent, Reason: record.MessagedReason(&m)})
	}
	b.save(l, now, "", false)
	return m, nil
}

// unwritten are the messages that the next commit carries.
func (m *mailing) unwritten() []record.Message {
	return m.messages[m.written:len(m.messages):len(m.messages)]
}

// wrote tells those who wait that n more messages are durable.
func (m *mailing) wrote(n int) {
	m.written += n
	left := m.waiting[:0]
	for _, w := range m.waiting {
		if w.upTo > m.written {
			left = append(left, w)
			continue
		}
		w.done <- nil
	}
	clear(m.waiting[len(left):])
	m.waiting = left
}

// failed tells everybody who waits that it takes longer.
func (m *mailing) failed() {
	for _, w := range m.waiting {
		w.done <- ErrNotDurable
	}
	m.waiting = nil
}
