package media

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
)

// Only a port that somebody else has is a reason to try the next one.
func TestTheNextPortIsTriedOnlyWhereThatCanHelp(t *testing.T) {
	local := netip.MustParseAddr("127.31.4.1")
	for _, tc := range []struct {
		cause, want error
		tries, free int
	}{
		{nil, nil, 1, 9},
		{syscall.EADDRINUSE, ErrNoPorts, 10, 0},
		{syscall.EMFILE, ErrNoDescriptors, 1, 10},
		{syscall.ENFILE, ErrNoDescriptors, 1, 10},
		{syscall.EADDRNOTAVAIL, syscall.EADDRNOTAVAIL, 1, 10},
	} {
		p := newPorts(Config{Address: local, MinPort: 20000, MaxPort: 20019})
		tries := 0
		err := p.bindFree(local, func(uint16) error { tries++; return tc.cause })
		if !errors.Is(err, tc.want) || tries != tc.tries || len(p.free) != tc.free {
			t.Errorf("%v: %v after %d tries, %d free", tc.cause, err, tries, len(p.free))
		}
	}
}
