package media

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
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
		{syscall.EAFNOSUPPORT, syscall.EAFNOSUPPORT, 1, 10}, // IPv6 is switched off
		{syscall.ENOSPC, syscall.ENOSPC, 1, 10},             // fs.epoll.max_user_watches
	} {
		p := newPorts(Config{Address: local, MinPort: 20000, MaxPort: 20019})
		tries := 0
		err := p.bindFree(local, func(uint16) error { tries++; return tc.cause })
		if !errors.Is(err, tc.want) || tries != tc.tries || len(p.free) != tc.free {
			t.Errorf("%v: %v after %d tries, %d free", tc.cause, err, tries, len(p.free))
		}
	}
}

func TestEachPortIsFreeOrBoundOrRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local := netip.MustParseAddr("127.31.4.1")
		p := newPorts(Config{Address: local, MinPort: 20000, MaxPort: 20019})
		counts := func(free, resting, bound int) {
			t.Helper()
			if got, want := p.count(), (portCounts{free, resting, bound}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
		counts(10, 0, 0)
		first, _ := p.take(local)
		second, _ := p.take(local)
		counts(8, 0, 2)
		p.giveBack(first)
		p.unused(second)
		counts(9, 1, 0)
		time.Sleep(portRest - 1)
		counts(9, 1, 0)
		time.Sleep(1)
		counts(10, 0, 0)
	})
}
