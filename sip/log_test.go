package sip

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"telefonist/call"
)

// journal is a log in memory.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

// Whatever goes wrong, who calls whom does not stand in the log.
func TestLogNamesNoNumbers(t *testing.T) {
	var log journal
	cfg := Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	inWorldWith(t, cfg, func(w *world) {
		id, k := w.established("c1") // never answers our refresh
		k.send("REFER", "", "Refer-To: <sip:+46709999999@x?Replaces=%zz>")
		k.invite("v=0\nbroken")
		k.requestSeq("BYE", 1, "") // out of order
		w.evil.calls("e1").invite(sdp("203.0.113.66"))
		b := w.pbx.calls("b1")
		b.invite("v=0\nbroken")
		b = w.pbx.calls("b2")
		b.invite(sdp("192.0.2.10"), "Contact: <sip:+46709999999@@>")
		w.dialTrunk("t", func(d *call.Dial) { d.To.Number = "+46709999999" })
		w.dialTrunk("t2", func(d *call.Dial) { d.To.Number, d.To.Trunk = "+46709999999", "none" })
		time.Sleep(time.Second)
		w.pbx.forget()
		w.srv.EndLeft([]call.Dialog{{CallID: "old", LocalURI: "sip:+46850000001@x", RemoteURI: "tel:+46701234567", RemoteTag: "r", Remote: "?"}})
		w.srv.command(id, func(*leg) { panic("a fault") })
		time.Sleep(time.Hour)
	})
	for _, number := range []string{"46701234567", "46850000001", "46709999999"} {
		for line := range strings.Lines(log.b.String()) {
			if strings.Contains(line, number) {
				t.Errorf("%s", line)
			}
		}
	}
	if !strings.Contains(log.b.String(), "panic on a leg") {
		t.Error("the log does not tell what happened")
	}
}
