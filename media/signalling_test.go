package media

import (
	"errors"
	"net/netip"
	"testing"

	"telefonist/media/negotiate"
)

func TestSignallingHostToldLaterIsWhereAudioMayComeFrom(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Open("a", Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Offer("a"); err != nil {
		t.Fatal(err)
	}
	signalling, said := netip.MustParseAddr("127.31.4.9"), netip.MustParseAddrPort("127.31.9.9:4000")
	r.SetSignallingIP("a", signalling)
	r.SetSignallingIP("nobody", signalling)
	if _, err := r.Accept("a", sdpOf(said, negotiate.PCMA)); err != nil {
		t.Fatal(err)
	}
	say := func(from string) netip.AddrPort {
		b := make([]byte, headerSize)
		putHeader(b, false, 8, 1, 160, 1)
		r.leg("a").receiveRTP(append(b, voice(440, 0, negotiate.PCMA)...), netip.MustParseAddrPort(from), nil)
		info, _ := r.Info("a")
		return info.Remote
	}
	if got := say("127.31.4.66:7000"); got != said {
		t.Fatalf("a stranger moved the stream to %v", got)
	}
	if got := say("127.31.4.9:7000"); got.String() != "127.31.4.9:7000" {
		t.Fatalf("sending to %v, want where the phone's first packet came from", got)
	}
}

func TestSignallingHostToldLaterJudgesTheDescription(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.Open("a", Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Offer("a"); err != nil {
		t.Fatal(err)
	}
	r.SetSignallingIP("a", netip.MustParseAddr("198.51.100.7"))
	var refused *RefusedError
	if _, err := r.Accept("a", sdpOf(netip.MustParseAddrPort("127.0.0.1:4000"), negotiate.PCMA)); !errors.As(err, &refused) {
		t.Errorf("loopback address from outside: %v", err)
	}
}
