package memnet_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/internal/memnet"
)

func read(t *testing.T, c *memnet.Conn) string {
	t.Helper()
	buf := make([]byte, 100)
	n, _, err := c.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestPacketsArriveInOrderWithTheirSource(t *testing.T) {
	n := memnet.New()
	a, b := n.MustListen("192.0.2.1:5060"), n.MustListen("192.0.2.2:5060")
	a.Send([]byte("one"), b.AddrPort())
	a.Send([]byte("two"), b.AddrPort())
	buf := make([]byte, 100)
	k, from, err := b.ReadFrom(buf)
	if err != nil || string(buf[:k]) != "one" || from.String() != "192.0.2.1:5060" {
		t.Fatalf("got %q from %v, %v", buf[:k], from, err)
	}
	if got := read(t, b); got != "two" {
		t.Fatalf("got %q", got)
	}
}

func TestHookLosesDuplicatesAndReorders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := n.MustListen("192.0.2.1:0"), n.MustListen("192.0.2.2:0")
		fates := []memnet.Fate{memnet.Lose(), {20 * time.Millisecond}, {0, 10 * time.Millisecond}}
		i := 0
		n.Hook(func(memnet.Packet) memnet.Fate { i++; return fates[i-1] })
		start := time.Now()
		for _, s := range []string{"lost", "late", "twice"} {
			a.Send([]byte(s), b.AddrPort())
		}
		var got []string
		for range 3 {
			got = append(got, read(t, b))
		}
		if got[0] != "twice" || got[1] != "twice" || got[2] != "late" {
			t.Fatalf("got %q", got)
		}
		if d := time.Since(start); d != 20*time.Millisecond {
			t.Fatalf("took %v of virtual time", d)
		}
		sent := n.Sent()
		if len(sent) != 3 || !sent[0].Lost || sent[1].Lost || string(sent[2].Data) != "twice" {
			t.Fatalf("record %+v", sent)
		}
	})
}

func TestDeadlineEndsARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := memnet.New().MustListen("192.0.2.1:1")
		start := time.Now()
		time.AfterFunc(time.Second, func() { c.SetReadDeadline(start.Add(3 * time.Second)) })
		_, _, err := c.ReadFrom(nil)
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Fatalf("%v after %v", err, time.Since(start))
		}
	})
}

func TestCloseWakesReaderAndFreesTheAddress(t *testing.T) {
	n := memnet.New()
	c := n.MustListen("192.0.2.1:1")
	failed := make(chan error)
	go func() { _, _, err := c.ReadFrom(nil); failed <- err }()
	c.Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	if _, err := c.WriteTo(nil, c.LocalAddr()); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	n.MustListen("192.0.2.1:1").Close()
}

func TestSecondListenerOnAnAddressIsRefused(t *testing.T) {
	n := memnet.New()
	c := n.MustListen("192.0.2.1:1")
	if _, err := n.Listen(c.AddrPort()); err == nil {
		t.Fatal("no error")
	}
}
