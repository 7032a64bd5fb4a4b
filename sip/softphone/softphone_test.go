package softphone

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is two phones that call each other without a server.
type pair struct {
	a, b *Phone
	came chan *Call // the calls that b got
}

func newPair(t *testing.T, network string, onB Behaviour) pair {
	t.Helper()
	p := pair{came: make(chan *Call, 10)}
	p.b = open(t, Config{Network: network, User: "bosse", Voice: func() Source { return Tone(700) },
		OnCall: func(ctx context.Context, c *Call) { p.came <- c; onB(ctx, c) }})
	p.a = open(t, Config{Network: network, User: "anna", Name: "Anna Ek", Server: p.b.Addr(), Voice: func() Source { return Tone(400) }})
	return p
}

func open(t *testing.T, cfg Config) *Phone {
	t.Helper()
	cfg.Listen = netip.MustParseAddrPort("127.0.0.1:0")
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(deadline(t)); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// until waits for something that the media clock brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	ctx := deadline(t)
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

func wait[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-deadline(t).Done():
		t.Fatalf("never: %s", what)
		panic("unreachable")
	}
}

func TestTwoPhonesHearEachOther(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			p := newPair(t, network, AnswerAfter(0))
			c, err := p.a.Dial("bosse")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Wait(deadline(t)); err != nil {
				t.Fatal(err)
			}
			far := wait(t, "the call at b", p.came)
			if got := far.Invite(); got.From != "anna" || got.Name != "Anna Ek" || got.To != "bosse" {
				t.Errorf("b saw %+v", got)
			}
			until(t, "half a second heard both ways", func() bool {
				return c.Audio().HeardTone(700) >= 500*time.Millisecond && far.Audio().HeardTone(400) >= 500*time.Millisecond
			})
			if own := c.Audio().HeardTone(400); own != 0 {
				t.Errorf("a heard itself for %v", own)
			}
			c.Hangup()
			wait(t, "end at a", c.Ended())
			wait(t, "end at b", far.Ended())
			if tr := far.Trace(); tr.Answered.IsZero() || tr.Acked.IsZero() || tr.Bye.IsZero() || !tr.ByeFar || tr.Code != 200 {
				t.Errorf("trace at b: %+v", tr)
			}
			heard := c.Audio().Heard()
			if heard.Streams != 1 || heard.Jumps != 0 || heard.Foreign != 0 {
				t.Errorf("a heard %+v", heard)
			}
		})
	}
}

func TestTheAnswererHangsUp(t *testing.T) {
	p := newPair(t, "udp", func(_ context.Context, c *Call) {
		_ = c.Answer()
		c.Hangup() // before the ACK: the BYE must wait for it
	})
	c, err := p.a.Dial("bosse")
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "end at a", c.Ended())
	if tr := c.Trace(); tr.Answered.IsZero() || !tr.ByeFar {
		t.Errorf("trace at a: %+v", tr)
	}
	far := wait(t, "call at b", p.came)
	wait(t, "end at b", far.Ended())
	if tr := far.Trace(); tr.Acked.IsZero() || tr.Bye.Before(tr.Acked) {
		t.Errorf("trace at b: %+v", tr)
	}
}

func TestARefusalReachesTheCaller(t *testing.T) {
	p := newPair(t, "udp", Decline(486))
	c, err := p.a.Dial("bosse")
	if err != nil {
		t.Fatal(err)
	}
	var status *StatusError
	if err := c.Wait(deadline(t)); !errors.As(err, &status) || status.Code != 486 {
		t.Fatalf("Wait = %v, want 486", err)
	}
	wait(t, "end at b", wait(t, "call at b", p.came).Ended())
}

func TestACallerWhoGivesUpStopsTheRinging(t *testing.T) {
	p := newPair(t, "udp", Ignore())
	c, err := p.a.Dial("bosse")
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "ringing", c.Ringing())
	c.Hangup()
	far := wait(t, "call at b", p.came)
	wait(t, "end at b", far.Ended())
	wait(t, "end at a", c.Ended())
	if far.Trace().Cancelled.IsZero() || far.Trace().Code != 487 {
		t.Errorf("trace at b: %+v", far.Trace())
	}
	var status *StatusError
	if err := c.Err(); !errors.As(err, &status) || status.Code != 487 {
		t.Errorf("a ended with %v, want 487", err)
	}
}

func TestACallGivenUpBeforeAnythingCameBackEnds(t *testing.T) {
	p := newPair(t, "udp", AnswerAfter(0))
	for range 20 { // CANCEL and 200 cross now and then
		c, err := p.a.Dial("bosse")
		if err != nil {
			t.Fatal(err)
		}
		c.Hangup()
		wait(t, "end at a", c.Ended())
		far := wait(t, "call at b", p.came)
		wait(t, "end at b", far.Ended())
	}
}

func TestHoldStopsTheAudioAndResumeBringsItBack(t *testing.T) {
	p := newPair(t, "udp", AnswerAfter(0))
	c, err := p.a.Dial("bosse")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(deadline(t)); err != nil {
		t.Fatal(err)
	}
	far := wait(t, "call at b", p.came)
	until(t, "audio", func() bool { return c.Audio().Heard().Packets > 5 })
	if err := c.Hold(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if !far.Held() || far.Trace().Reoffers != 1 {
		t.Errorf("b is not on hold: %+v", far.Trace())
	}
	silent := far.Audio().Sent()
	if err := c.Resume(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if far.Held() {
		t.Error("b is still on hold")
	}
	until(t, "audio again", func() bool { return far.Audio().Sent() > silent+5 })
	// And the other way round, by the one who was called.
	if err := far.Hold(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if !c.Held() {
		t.Error("a is not on hold")
	}
	c.Hangup()
	wait(t, "end at b", far.Ended())
}

func TestBothHoldAtOnceAndBothSucceed(t *testing.T) {
	p := newPair(t, "udp", AnswerAfter(0))
	c, err := p.a.Dial("bosse")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(deadline(t)); err != nil {
		t.Fatal(err)
	}
	far := wait(t, "call at b", p.came)
	until(t, "ACK at b", func() bool { return !far.Trace().Acked.IsZero() })
	ended := make(chan error, 2)
	ctx := deadline(t)
	go func() { ended <- c.Hold(ctx) }()
	go func() { ended <- far.Hold(ctx) }()
	for range 2 {
		if err := wait(t, "hold", ended); err != nil {
			t.Errorf("hold: %v", err)
		}
	}
}

func TestClosingAPhoneEndsItsCalls(t *testing.T) {
	p := newPair(t, "udp", AnswerAfter(0))
	c, err := p.a.Dial("bosse")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(deadline(t)); err != nil {
		t.Fatal(err)
	}
	far := wait(t, "call at b", p.came)
	if err := p.b.Close(deadline(t)); err != nil {
		t.Fatal(err)
	}
	wait(t, "end at a", c.Ended())
	wait(t, "end at b", far.Ended())
	if _, err := p.b.Dial("anna"); !errors.Is(err, ErrClosed) {
		t.Errorf("Dial on a closed phone = %v", err)
	}
}

func TestAToneIsToldFromOthersThroughBothCodecs(t *testing.T) {
	for _, codec := range []Codec{PCMA, PCMU} {
		samples, back, wire := make([]int16, 8000), make([]int16, 8000), make([]byte, 8000)
		Tone(440).Next(samples)
		codec.encode(wire, samples)
		codec.decode(back, wire)
		if got := heardIn(back, 440); got != time.Second {
			t.Errorf("%v: 440 Hz heard for %v of 1 s", codec, got)
		}
		for _, other := range []float64{400, 450, 880, 1320, 2000} {
			if got := heardIn(back, other); got != 0 {
				t.Errorf("%v: %v Hz heard for %v in 440 Hz", codec, other, got)
			}
		}
	}
	if got := Loudness(make([]int16, 800), 440); got != 0 {
		t.Errorf("silence has loudness %v", got)
	}
}

func TestAClipPlaysOnceOrAgain(t *testing.T) {
	got := make([]int16, 5)
	Clip([]int16{1, 2, 3}, false).Next(got)
	if want := []int16{1, 2, 3, 0, 0}; !equal(got, want) {
		t.Errorf("once: %v", got)
	}
	Clip([]int16{1, 2, 3}, true).Next(got)
	if want := []int16{1, 2, 3, 1, 2}; !equal(got, want) {
		t.Errorf("again: %v", got)
	}
	Clip(nil, true).Next(got)
	if want := make([]int16, 5); !equal(got, want) {
		t.Errorf("empty: %v", got)
	}
}

func equal(a, b []int16) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestAWAVFileComesBackAsItWasWritten(t *testing.T) {
	samples := make([]int16, 1234)
	Tone(300).Next(samples)
	var b bytes.Buffer
	if err := WriteWAV(&b, samples); err != nil {
		t.Fatal(err)
	}
	got, err := ReadWAV(&b)
	if err != nil || !equal(got, samples) {
		t.Errorf("read %d samples, %v", len(got), err)
	}
	if _, err := ReadWAV(bytes.NewReader([]byte("RIFF0000WAVEdata\x02\x00\x00\x00ab"))); err == nil {
		t.Error("data before its format was read")
	}
}

func FuzzReadWAV(f *testing.F) {
	var b bytes.Buffer
	if err := WriteWAV(&b, []int16{1, -1, 300}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		samples, err := ReadWAV(bytes.NewReader(in))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := WriteWAV(&again, samples); err != nil {
			t.Fatal(err)
		}
		if back, err := ReadWAV(&again); err != nil || !equal(back, samples) {
			t.Fatalf("written and read again: %d samples, %v", len(back), err)
		}
	})
}

func FuzzParseDescription(f *testing.F) {
	l := local{addr: netip.MustParseAddr("127.0.0.1"), port: 4000, codecs: []Codec{PCMA, PCMU}, events: eventsType}
	f.Add(l.offer())
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := parseDescription(in)
		if err != nil {
			return
		}
		mine := l
		body, err := mine.answer(d)
		if err != nil {
			return
		}
		if _, err := parseDescription(body); err != nil {
			t.Fatalf("our answer cannot be read: %v\n%s", err, body)
		}
	})
}

func FuzzFragment(f *testing.F) {
	f.Add([]byte("SIP/2.0 200 OK\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if code, err := fragment(in); err == nil && (code < 100 || code > 699) {
			t.Fatalf("status %d", code)
		}
	})
}

func TestDirectionsAreAnsweredByTheBook(t *testing.T) {
	for _, c := range []struct {
		offered string
		held    bool
		want    string
	}{
		{sendRecv, false, sendRecv}, {sendOnly, false, recvOnly}, {recvOnly, false, sendOnly}, {inactive, false, inactive},
		{sendRecv, true, sendOnly}, {sendOnly, true, inactive}, {recvOnly, true, sendOnly}, {inactive, true, inactive},
	} {
		l := local{held: c.held}
		if got := l.answerDirection(c.offered); got != c.want {
			t.Errorf("%s offered, held %v: answered %s, want %s", c.offered, c.held, got, c.want)
		}
	}
}
