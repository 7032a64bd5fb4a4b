package app

import (
	"net"
	"testing"
)

func TestConnectionsOverTheCapAreClosedAndMakeRoomWhenTheyEnd(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limit(inner)
	l.limit = 4
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var held []net.Conn
	for range 2 { // half of four: all come from one address
		defer dial().Close()
		held = append(held, <-accepted)
	}
	over := dial()
	defer over.Close()
	if n, err := over.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Fatal("a connection over the cap was kept")
	}
	held[0].Close()
	held[0].Close() // counts once
	defer dial().Close()
	held = append(held, <-accepted)
	if l.open != 2 {
		t.Errorf("%d connections counted", l.open)
	}
	for _, c := range held {
		c.Close()
	}
	if l.open != 0 || len(l.of) != 0 {
		t.Errorf("%d connections of %d addresses counted when none is open", l.open, len(l.of))
	}
	if limit(inner).limit > maxWeb {
		t.Error("the cap is not capped")
	}
}
