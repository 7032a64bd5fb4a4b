package negotiate

import "fmt"

// Warning codes of RFC 3261 section 20.43 that a RefusedError carries.
const (
	WarnProtocol  = 300 // incompatible network protocol
	WarnAddress   = 301 // incompatible network address formats
	WarnTransport = 302 // incompatible transport protocol
	WarnMedia     = 304 // media type not available
	WarnFormat    = 305 // incompatible media format
	WarnOther     = 399 // anything else: the description cannot be read, or names a forbidden address
)

// RefusedError says why a description cannot be accepted. Nothing has changed: the session goes on as it was. To an
// offer the signalling answers 488 with this warning (RFC 3261 section 21.4.26).
type RefusedError struct {
	Warning int    // a warning code of RFC 3261 section 20.43
	Reason  string // one line of printable ASCII, without anything that the peer wrote
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("session description refused: %s (warning %d)", e.Reason, e.Warning)
}

func refuse(warning int, reason string) error { return &RefusedError{Warning: warning, Reason: reason} }
