package app

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// lone is a listener of one connection.
type lone struct {
	conn chan net.Conn
	over chan struct{}
}

func (l lone) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}
func (l lone) Close() error   { close(l.over); return nil }
func (l lone) Addr() net.Addr { return &net.TCPAddr{} }

func TestWhoReadsAnAnswerTooSlowlyIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan time.Time, 1)
		srv := (&App{log: slog.New(slog.DiscardHandler)}).publicServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					gone <- time.Now()
					return
				}
			}
		}))
		client, server := net.Pipe()
		l := lone{make(chan net.Conn, 1), make(chan struct{})}
		l.conn <- server
		done := make(chan error, 1)
		go func() { done <- srv.Serve(l) }()
		begun := time.Now()
		if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: telefonist\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if got := (<-gone).Sub(begun); got != answerFor {
			t.Errorf("cut off after %v", got)
		}
		client.Close()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
}
