package sip

import (
	"slices"
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"
)

func TestKeysInINFOGoToMedia(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, k := w.established("c1")
		for _, c := range []struct {
			kind, body string
			code       int
		}{
			{"application/dtmf-relay", "Signal=5\nDuration=100\n", 200},
			{"Application/DTMF-Relay; x=y", "signal = #\n", 200},
			{"application/dtmf-relay", "Duration=99999999\nSignal=11\n", 200},
			{"application/dtmf", "d", 200},
			{"application/dtmf-relay", "Signal=55\n", 400},
			{"application/dtmf-relay", "Signal=5\nDuration=-1\n", 400},
			{"application/dtmf", "", 400},
			{"application/dtmf", strings.Repeat("5", 300), 400},
			{"application/media_control+xml", "5", 200},
		} {
			k.send("INFO", c.body, "Content-Type: "+c.kind)
			w.pbx.response(c.code)
		}
		w.media.mu.Lock()
		defer w.media.mu.Unlock()
		name := string(leg)
		if want := []string{name + " 5 100ms", name + " # 160ms", name + " # 1m0s", name + " D 160ms"}; !slices.Equal(w.media.pressed, want) {
			t.Errorf("pressed %q, want %q", w.media.pressed, want)
		}
	})
}

func TestKeysAreSentOneAfterTheOtherToWhomTakesINFO(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, _ := w.answeredBy(w.phone, "Allow: INVITE, ACK, BYE, INFO")
		w.srv.Press(leg, "7", 120*time.Millisecond)
		w.srv.Press(leg, "*", 80*time.Millisecond)
		first := w.phone.request(msg.INFO)
		if value(first, "content-type") != "application/dtmf-relay" || string(first.Body()) != "Signal=7\r\nDuration=120\r\n" {
			t.Errorf("sent %s", first)
		}
		w.phone.reply(first, 200, "", "")
		second := w.phone.request(msg.INFO)
		if string(second.Body()) != "Signal=*\r\nDuration=80\r\n" {
			t.Errorf("sent %s", second)
		}
		w.phone.reply(second, 415, "", "") // then no more
		w.srv.Press(leg, "1", 0)
		w.phone.silent()
	})
}

func TestKeysAreNotSentToWhomTakesNoINFO(t *testing.T) {
	inWorld(t, func(w *world) {
		leg, _ := w.answeredBy(w.phone, "Allow: INVITE, ACK, BYE")
		w.srv.Press(leg, "7", 120*time.Millisecond)
		w.phone.silent()
	})
}

func FuzzPress(f *testing.F) {
	f.Add("Signal=5\r\nDuration=160\r\n")
	f.Add("*")
	f.Fuzz(func(t *testing.T, body string) {
		p, err := parsePress(body)
		if err == nil && (len(p.digit) != 1 || digitOf(p.digit) != p.digit || p.held < 0 || p.held > maxKeyTime) {
			t.Errorf("%q: %+v", body, p)
		}
	})
}
