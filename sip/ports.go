package sip

import (
	"net/netip"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/media"
	"telefonist/sip/wire"
)

// Poster is told what happens on legs. It never blocks. False means that the mailbox takes no more: an INVITE that
// could not be told is answered 503.
type Poster interface {
	Post(leg call.LegID, at time.Time, ev call.Event) bool
}

// Media negotiates the audio of legs. Its calls may take a system call's time, and are made on a leg's own goroutine.
// Errors that are *media.RefusedError say why a description was refused; the session is then as it was.
type Media interface {
	// Open makes a session; Close ends it, and is called for legs without one too.
	Open(leg call.LegID, o media.Options) error
	Close(leg call.LegID)
	// SetSignallingIP says where the leg's signalling comes from, where that was not known to Open: the far side's audio may
	// come from there too.
	SetSignallingIP(leg call.LegID, ip netip.Addr)
	// Offer returns our description. An offer that changes nothing has the version of the last one.
	Offer(leg call.LegID) ([]byte, error)
	// Accept applies an answer to our last offer; it may be called again for the same offer.
	Accept(leg call.LegID, answer []byte) (media.Direction, error)
	// Answer applies an offer and returns our answer.
	Answer(leg call.LegID, offer []byte) (media.Answer, error)
	// Press tells of a key that the leg's far side pressed, one of 0 to 9, *, #, A to D. It waits for nothing but short locks.
	Press(leg call.LegID, digit string, d time.Duration)
}

// Phones is what the room needs of the registrar: where agents' phones are, and who a request comes from.
type Phones interface {
	// Register answers a REGISTER.
	Register(req *msg.Request, tx *wire.ServerTx, src wire.Source)
	// Contacts returns the live contacts of an agent, newest first.
	Contacts(agent string) []Contact
	// Known reports whether a phone has registered from exactly that address and port, and whether one has from that host.
	// It is called for every message and is quick.
	Known(src netip.AddrPort) (flow, host bool)
	// Authenticate finds the agent that a request comes from by its digest. It answers the request itself, 407 or 403,
	// where ok is false. The user of From must be a name of that same agent.
	Authenticate(req *msg.Request, tx *wire.ServerTx, src wire.Source) (agent string, ok bool)
}

// Contact is one registered phone.
type Contact struct {
	// URI is the contact as it was registered, the Request-URI of requests to it.
	URI msg.Uri
	// Flow leads to the phone on the way that its REGISTER came, past any NAT.
	Flow wire.Dest
}
