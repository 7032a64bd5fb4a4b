package wire

import "errors"

// Errors of sending.
var (
	// ErrNoTransaction: the response belongs to no open server transaction;
	// it was an ACK, has been refused, or is over.
	ErrNoTransaction = errors.New("no transaction to respond in")
	// ErrFinalSent: a final response was sent before this one.
	ErrFinalSent = errors.New("final response already sent")
	// ErrNoFlow: there is no open connection to the peer, and none may be opened.
	ErrNoFlow = errors.New("no open connection to the peer")
	// ErrNoSocket: no socket of ours has the destination's network and family.
	ErrNoSocket = errors.New("no socket for the destination")
	// ErrUnsafe: a header value would put a line break or a control byte on the wire.
	ErrUnsafe = errors.New("control byte or line break in a header")
	// ErrTooLarge: the message does not fit a datagram.
	ErrTooLarge = errors.New("message too large for a datagram")
)

// Errors that end a client transaction, given to onDone.
var (
	// ErrTimeout: no final response in 64*T1, 32 s (RFC 3261 17.1.1.2, 17.1.2.2).
	ErrTimeout = errors.New("transaction timed out")
	// ErrTransport: the request could not be sent or its connection was lost.
	ErrTransport = errors.New("transport failed")
	// ErrClosed: the stack is closed.
	ErrClosed = errors.New("sip stack closed")
)
