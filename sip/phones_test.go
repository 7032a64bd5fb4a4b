package sip

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/icholy/digest"
	"github.com/prometheus/client_golang/prometheus"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
	"telefonist/sip/registrar"
)

// staff are the agents of a real registrar.
type staff map[string]string

func (s staff) Lookup(user string) (agent, password string, ok bool) {
	password, ok = s[user]
	return user, password, ok
}

// withRegistrar puts a real registrar in place of the small one.
func (w *world) withRegistrar() {
	r := registrar.New(registrar.Config{Credentials: staff{"anna": "a-secret", "bo": "b-secret"}, Logger: slog.New(slog.DiscardHandler),
		Registerer: prometheus.NewRegistry()})
	w.srv.cfg.Phones = Registered(r)
}

// credentials answers the last challenge of a response.
func credentials(t *testing.T, res *msg.Response, method, uri, user, password string) string {
	t.Helper()
	name, reply := "www-authenticate", "Authorization: "
	if res.StatusCode == 407 {
		name, reply = "proxy-authenticate", "Proxy-Authorization: "
	}
	v := values(res, name)
	if len(v) == 0 {
		t.Fatalf("no challenge in\n%s", res)
	}
	c, err := digest.ParseChallenge(v[0])
	if err != nil {
		t.Fatal(err)
	}
	cred, err := digest.Digest(c, digest.Options{Method: method, URI: uri, Count: 1, Username: user, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return reply + cred.String()
}

// registers registers a phone with the real registrar.
func (f *far) registers(t *testing.T, user, password string) {
	t.Helper()
	k := f.calls("reg-" + user)
	k.target, k.from, k.to = "sip:192.0.2.1", "<sip:"+user+"@192.0.2.1>;tag=1", "<sip:"+user+"@192.0.2.1>"
	padding := "X-Padding: " + strings.Repeat("x", 400) // no answer to a stranger is larger than the question
	k.send("REGISTER", "", padding)
	k.send("REGISTER", "", credentials(t, f.response(401), "REGISTER", k.target, user, password), padding)
	f.response(200)
}

func TestRegisteredPhoneIsCalledAndCalls(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withRegistrar()
		w.phone.registers(t, "anna", "a-secret")
		w.dialAnna("a")
		req := w.phone.request(msg.INVITE)
		if req.Recipient.String() != "sip:far@198.51.100.5:40000" {
			t.Errorf("Request-URI %s", req.Recipient.String())
		}
		w.phone.reply(req, 200, "p", sdp("198.51.100.5"))
		w.phone.request(msg.ACK)
		event[call.Answered](w)

		k := w.phone.calls("d")
		k.target, k.from = "sip:205@192.0.2.1", "<sip:anna@192.0.2.1>;tag=far-d"
		k.invite(sdp("198.51.100.5"))
		challenge := w.phone.final(407)
		k.invite(sdp("198.51.100.5"), credentials(t, challenge, "INVITE", k.target, "anna", "a-secret"))
		w.phone.response(100)
		leg, ev := event[call.Dialled](w)
		if ev.Agent != "anna" || ev.Target != "205" {
			t.Errorf("%+v", ev)
		}
		w.srv.Do(call.Hangup{Leg: leg, Code: 404})
		w.phone.response(404)
	})
}

func TestAgentCannotCallInAnothersName(t *testing.T) {
	inWorld(t, func(w *world) {
		w.withRegistrar()
		w.phone.registers(t, "bo", "b-secret")
		k := w.phone.calls("d")
		k.target, k.from = "sip:205@192.0.2.1", "<sip:anna@192.0.2.1>;tag=far-d"
		k.invite(sdp("198.51.100.5"))
		k.invite(sdp("198.51.100.5"), credentials(t, w.phone.final(407), "INVITE", k.target, "bo", "b-secret"))
		w.phone.final(403)
		k.from = "<sip:bo@192.0.2.1>;tag=far-d"
		k.invite(sdp("198.51.100.5"))
		k.invite(sdp("198.51.100.5"), credentials(t, w.phone.final(407), "INVITE", k.target, "bo", "guess"))
		w.phone.final(407)
		w.noEvent()
	})
}

func TestMetricsAreThereFromTheStart(t *testing.T) {
	inWorld(t, func(w *world) {
		got, err := w.srv.cfg.Registerer.(*prometheus.Registry).Gather()
		if err != nil {
			t.Fatal(err)
		}
		series := map[string]int{}
		for _, f := range got {
			series[f.GetName()] = len(f.GetMetric())
		}
		for name, n := range map[string]int{"telefonist_sip_legs": 2, "telefonist_sip_invites_refused_total": len(refusedReasons),
			"telefonist_sip_left_total": 2, "telefonist_sip_no_ack_total": 1, "telefonist_sip_sessions_expired_total": 1,
			"telefonist_sip_unknown_source_total": 2, "telefonist_sip_leg_panics_total": 1, "telefonist_sip_stray_answers_total": 1} {
			if series[name] != n {
				t.Errorf("%s has %d series, want %d", name, series[name], n)
			}
		}
	})
}

func TestPanicEndsOneLeg(t *testing.T) {
	inWorld(t, func(w *world) {
		id, _ := w.established("c1")
		_, k2 := w.established("c2")
		w.srv.command(id, func(*leg) { panic("of the test") })
		wantEnd(w, call.CauseFault)
		w.pbx.reply(w.pbx.request(msg.BYE), 200, "", "")
		k2.bye()
		w.pbx.response(200)
		wantEnd(w, call.CauseBye)
	})
}

func TestRequestsBeforeTheAnswerDoNotEndTheCall(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dialTrunk("t")
		req := w.pbx.request(msg.INVITE)
		w.pbx.reply(req, 180, "p", "")
		event[call.Ringing](w)
		k := w.pbx.called(req, "p")
		for _, c := range []struct {
			method, body string
			code         int
		}{{"UPDATE", "", 200}, {"UPDATE", sdp("192.0.2.10"), 491}, {"INFO", "", 200}, {"OPTIONS", "", 200}, {"BYE", "", 481}} {
			k.send(c.method, c.body)
			w.pbx.response(c.code)
		}
		forged := *k
		forged.f = w.evil
		forged.send("UPDATE", "")
		w.evil.response(481)
		w.pbx.reply(req, 486, "p", "")
		wantFailed(w, 486)
	})
}

func TestMediaThatHasNoPortsIsAnswered503(t *testing.T) {
	inWorld(t, func(w *world) {
		w.media.fail = fmt.Errorf("no ports")
		k := w.pbx.calls("c1")
		k.invite(sdp("192.0.2.10"))
		w.pbx.response(100)
		w.pbx.response(503)
		w.dialTrunk("t")
		wantFailed(w, 503)
		w.noEvent()
	})
}

func TestTrunksAreReplacedAtRunTime(t *testing.T) {
	inWorld(t, func(w *world) {
		_, k := w.established("c1")
		if err := w.srv.SetTrunks([]Trunk{{Name: ""}}); err == nil {
			t.Error("a trunk without a name was taken")
		}
		if err := w.srv.SetTrunks(nil); err != nil {
			t.Fatal(err)
		}
		w.pbx.calls("c2").invite(sdp("192.0.2.10"))
		w.pbx.silent()
		k.bye() // the call that stands goes on
		w.pbx.response(200)
		wantEnd(w, call.CauseBye)
	})
}

func TestNoControlByteEverLeaves(t *testing.T) {
	inWorld(t, func(w *world) {
		w.register("anna", w.phone)
		for _, evil := range []string{"\r\nX-Evil: 1", "\n", "\r", "\x00", "\x1b[31m", "\"", "\\", "<sip:x@y>", "%0d%0a", "å\u2028b"} {
			w.srv.Do(call.Dial{Leg: call.LegID("a" + evil), To: call.Destination{Agent: "anna"}, Token: evil,
				From: call.Party{Number: "1" + evil, Name: "n" + evil}})
			w.dialTrunk(call.LegID("t"+evil), func(d *call.Dial) {
				d.From, d.DivertedBy, d.Token = call.Party{Number: "1" + evil, Name: "n" + evil}, "2"+evil, evil
				d.To.Number = "3" + evil
			})
			for _, f := range []*far{w.phone, w.pbx} {
				req := f.request(msg.INVITE)
				if req.GetHeader("X-Evil") != nil || strings.ContainsAny(req.From().Value(), "\r\n\x00\x1b") {
					t.Errorf("%q left as\n%s", evil, req)
				}
				f.reply(req, 486, "p", "")
				f.request(msg.ACK)
				wantFailed(w, 486)
			}
		}
	})
}
