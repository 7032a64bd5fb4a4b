package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/record"
)

// TestEventsAreFollowedOnAfterTheServerWasRestarted: it is away for a while, and the stream goes on behind what was read.
func TestEventsAreFollowedOnAfterTheServerWasRestarted(t *testing.T) {
	dir := t.TempDir()
	serve := func(seq int) (asked chan string, stop func()) {
		l, err := net.Listen("unix", app.SocketPath(dir))
		if err != nil {
			t.Fatal(err)
		}
		asked = make(chan string, 4)
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "id: %d\nevent: service\ndata: {\"seq\":%d,\"at\":\"2026-11-23T09:00:00Z\",\"about\":\"service\",\"kind\":\"started\"}\n\n", seq, seq)
			w.(http.Flusher).Flush()
			asked <- r.URL.Query().Get("after")
			<-r.Context().Done()
		})}
		go func() { _ = s.Serve(l) }()
		return asked, func() { _ = s.Close() }
	}
	asked, stop := serve(7)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []uint64
	ended := make(chan error, 1)
	go func() {
		var log bytes.Buffer
		ended <- followEvents(ctx, &storeFlags{dir: filepath.Clean(dir)}, eventFlags{limit: 2}, func(e record.StreamEvent) error { got = append(got, e.Seq); return nil }, &log)
	}()
	<-asked
	stop()
	select {
	case err := <-ended:
		t.Fatalf("it ended: %v", err)
	case <-time.After(1500 * time.Millisecond): // longer than it waits before it looks again
	}
	asked, stop = serve(8)
	defer stop()
	if after := <-asked; after != "7" {
		t.Errorf("goes on after %s", after)
	}
	if err := <-ended; err != nil || len(got) != 2 || got[1] != 8 {
		t.Errorf("%v: %v", got, err)
	}
}
