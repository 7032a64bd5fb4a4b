package sip

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/call"
)

// invite parses an INVITE with the given header lines.
func invite(t testing.TB, uri string, lines ...string) *msg.Request {
	t.Helper()
	text := "INVITE " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n" +
		strings.Join(lines, "\r\n") + "\r\n\r\n"
	m, err := msg.ParseMessage([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m.(*msg.Request)
}

func TestEntrancesAreListedBestFirst(t *testing.T) {
	for _, c := range []struct {
		name      string
		lines     []string
		entrances []string
		diverted  []string
	}{
		{"nothing but To", []string{"To: <sip:+4684000001@x>"}, []string{"+4684000001"}, nil},
		{"history from the oldest", []string{
			"History-Info: <sip:+4684000001@x>;index=1, <sip:+4684000009@x?Reason=SIP%3Bcause%3D302%3Btext%3D%22a%2Cb%22>;index=1.1",
			"History-Info: <sip:+46850000001@x;cause=302>;index=1.2", "To: <sip:+46850000001@x>"},
			[]string{"+4684000001", "+4684000009", "+46850000001"}, []string{"+4684000001", "+4684000009"}},
		{"history without the last hop", []string{"History-Info: <sip:+4684000001@x>;index=1", "To: <sip:5@x>"},
			[]string{"+4684000001", "5"}, []string{"+4684000001"}},
		{"diversion from the last", []string{
			`Diversion: "Ek, Anna" <sip:101@x>;reason=no-answer;counter=1, <tel:+46-8-400-00-02;phone-context=+46>;reason=unconditional`,
			"P-Called-Party-ID: <sip:+4684000003@x>", "To: <sip:+46850000001@x>"},
			[]string{"+46-8-400-00-02", "101", "+4684000003", "+46850000001"}, []string{"101", "+46-8-400-00-02"}},
		{"withheld and broken", []string{"Diversion: <sip:anonymous@x>, <nonsense, <sip:%0d%0aX@x>", "To: <sip:1@x>"}, []string{"1"}, nil},
		{"escaped", []string{"To: <sip:%2B4684000001;phone-context=x@x>"}, []string{"+4684000001"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := invite(t, "sip:+46850000001@us", append(c.lines, "From: <sip:a@b>;tag=1")...)
			if got := entrancesOf(req); !slices.Equal(got, c.entrances) {
				t.Errorf("entrances %q, want %q", got, c.entrances)
			}
			if got := divertedOf(req); !slices.Equal(got, c.diverted) {
				t.Errorf("diverted %q, want %q", got, c.diverted)
			}
		})
	}
}

func TestCallerIsReadFromWhatTheTrunkAsserts(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  call.Party
	}{
		{"from", []string{`From: "Kalle \"K\" Ek" <sip:08123@x>;tag=1`}, call.Party{Number: "08123", Name: `Kalle "K" Ek`}},
		{"asserted", []string{`From: "PBX" <sip:0@x>;tag=1`, `P-Asserted-Identity: "Ek" <sip:+468123@x>, <tel:+468123>`},
			call.Party{Number: "+468123", Name: "Ek"}},
		{"asserted tel", []string{`From: "Ek" <sip:0@x>;tag=1`, `P-Asserted-Identity: <tel:+468123>`}, call.Party{Number: "+468123", Name: "Ek"}},
		{"private", []string{`From: "Ek" <sip:08123@x>;tag=1`, "Privacy: id;critical"}, call.Party{Number: "08123", Name: "Ek", Private: true}},
		{"not private", []string{`From: <sip:08123@x>;tag=1`, "Privacy: none"}, call.Party{Number: "08123"}},
		{"anonymous", []string{`From: "Anonymous" <sip:anonymous@anonymous.invalid>;tag=1`}, call.Party{Private: true}},
		{"utf-8 and direction marks", []string{"From: \"\u202eÅsa\u200b\xff\" <sip:1@x>;tag=1"}, call.Party{Number: "1", Name: "Åsa"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := callerOf(invite(t, "sip:1@us", append(c.lines, "To: <sip:1@us>")...)); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestCompactHeadersAreRead(t *testing.T) {
	req := invite(t, "sip:1@us", "f: <sip:a@b>;tag=1", "t: <sip:1@us>", "k: 100rel, TIMER", "x: 1800;Refresher=UAC", "r: <sip:2@x>")
	if !hasToken(req, "supported", "timer") || value(req, "refer-to") != "<sip:2@x>" {
		t.Error("compact header not read")
	}
	if got := sessionExpiresOf(req); got != (sessionExpires{30 * time.Minute, refresherUAC}) {
		t.Errorf("%+v", got)
	}
}

func TestReferToIsRead(t *testing.T) {
	for in, want := range map[string]struct {
		user string
		r    replaces
	}{
		"<sip:205@x>":               {user: "205"},
		"sip:205@x":                 {user: "205"},
		`"Ek, A" <sips:205@x:5061>`: {user: "205"},
		"<tel:+46-8-1>;p=1":         {user: "+46-8-1"},
		"<sip:205@x;user=phone?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&X=y>": {"205", replaces{"a@b", "1", "2"}},
		"<sip:205@x?replaces=a%3Bfrom-tag%3D2%3Bto-tag%3D1%3Bearly-only>":       {"205", replaces{"a", "1", "2"}},
		"sip:205@x?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2":                      {"205", replaces{"a", "1", "2"}},
		"<sip:205@x;method=invite>":                                             {user: "205"},
	} {
		got, err := parseReferTo(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		var r replaces
		if got.replaces != nil {
			r = *got.replaces
		}
		if got.user != want.user || r != want.r {
			t.Errorf("%s: %+v %+v", in, got, r)
		}
	}
}

func TestSessionExpiresIsRead(t *testing.T) {
	for in, want := range map[string]sessionExpires{
		"90":                          {interval: 90 * time.Second},
		" 1800 ; refresher = \"uas\"": {30 * time.Minute, refresherUAS},
		"4294967295;x=y":              {interval: 4294967295 * time.Second},
	} {
		if got, err := parseSessionExpires(in); err != nil || got != want {
			t.Errorf("%q: %+v %v", in, got, err)
		}
	}
	for _, in := range []string{"", "-1", "4294967296", "1e3", "90;refresher=me", ";refresher=uac"} {
		if got, err := parseSessionExpires(in); err == nil {
			t.Errorf("%q: %+v", in, got)
		}
	}
}

func TestAllowIsReadAndTheClosestTrunkWins(t *testing.T) {
	allow := func(s string) Allow {
		a, err := ParseAllow(s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ts, err := newTrunks([]Trunk{
		{Name: "net", Allow: []Allow{allow("192.0.2.0/24")}}, {Name: "host", Allow: []Allow{allow("192.0.2.7")}},
		{Name: "port", Allow: []Allow{allow("192.0.2.7:5070"), allow("[2001:db8::1]:5070")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{"192.0.2.8:1": "net", "192.0.2.7:1": "host", "192.0.2.7:5070": "port",
		"[2001:db8::1]:5070": "port", "[2001:db8::1]:5071": "", "198.51.100.1:5060": ""} {
		got := ""
		if tr := ts.from(mustAddrPort(src)); tr != nil {
			got = tr.name
		}
		if got != want {
			t.Errorf("%s: %q, want %q", src, got, want)
		}
	}
	for _, bad := range []string{"", "pbx.example", "192.0.2.7:", "192.0.2.0/33"} {
		if _, err := ParseAllow(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, bad := range [][]Trunk{{{}}, {{Name: "a"}, {Name: "a"}}, {{Name: "a", Target: "http://x"}}, {{Name: "a", Target: "sip:x y"}}} {
		if _, err := newTrunks(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// safe fails where a value could not stand in a header.
func safe(t *testing.T, what, s string) {
	t.Helper()
	if hasControl(s) {
		t.Fatalf("%s holds a control byte: %q", what, s)
	}
}

func FuzzAddress(f *testing.F) {
	f.Add(`"A \"b\"" <sip:+468;x=y@h:5060;lr?a=b>;tag=1;q="a;b"`)
	f.Add("sip:a@b;tag=1")
	f.Add("<tel:+46;phone-context=x>")
	f.Add("<sip:%0d%0a@h>")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAddress(s)
		if err != nil {
			return
		}
		u := userOf(&a.uri)
		safe(t, "user", u)
		safe(t, "name", a.name)
		// What is built of it parses to the same again.
		p := call.Party{Number: u, Name: a.name}
		h := fromHeader(p, "h.example", "t")
		b, err := parseAddress(h.Value())
		if err != nil || userOf(&b.uri) != u || b.name != a.name || b.params["tag"] != "t" {
			t.Fatalf("%q became %q: %+v %v", s, h.Value(), b, err)
		}
	})
}

func FuzzReferTo(f *testing.F) {
	f.Add("<sip:205@x?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&X=y>")
	f.Add("sip:205@x;method=BYE")
	f.Add("<sip:%0a@x>")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseReferTo(s)
		if err != nil {
			return
		}
		safe(t, "user", r.user)
		if r.replaces != nil {
			safe(t, "replaces", r.replaces.String())
		}
	})
}

func FuzzReplaces(f *testing.F) {
	f.Add("a@b;to-tag=1;from-tag=2;early-only")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := parseReplaces(s)
		if err != nil {
			return
		}
		again, err := parseReplaces(r.String())
		if err != nil || again != r {
			t.Fatalf("%q: %+v became %+v, %v", s, r, again, err)
		}
	})
}

func FuzzSessionExpires(f *testing.F) {
	f.Add("1800;refresher=uac")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := parseSessionExpires(s)
		if err != nil {
			return
		}
		if again, err := parseSessionExpires(v.String()); err != nil || again != v {
			t.Fatalf("%q: %+v became %+v, %v", s, v, again, err)
		}
	})
}

func FuzzHistory(f *testing.F) {
	f.Add("<sip:+468@x?Reason=SIP%3Bcause%3D302>;index=1, <sip:2@x>;index=1.1", `"a,b" <sip:1@x>;reason=no-answer`)
	f.Fuzz(func(t *testing.T, history, diversion string) {
		m := listed{msg.NewHeader("History-Info", history), msg.NewHeader("Diversion", diversion)}
		for _, u := range append(users(m, "history-info"), users(m, "diversion")...) {
			safe(t, "user", u)
			if u == "" {
				t.Fatal("empty user")
			}
		}
	})
}

func FuzzDialog(f *testing.F) {
	f.Add("sip:a@b", "sip:c@d;lr", "192.0.2.1:5060")
	f.Fuzz(func(t *testing.T, target, route, remote string) {
		d, err := restore(call.Dialog{CallID: "a", LocalURI: target, RemoteURI: target, RemoteTarget: target,
			RouteSet: []string{route}, Remote: remote, Transport: "udp"})
		if err != nil {
			return
		}
		_ = d.next(msg.BYE).String()
	})
}

// listed is a message of a few headers.
type listed []msg.Header

func (l listed) GetHeaders(name string) []msg.Header {
	var out []msg.Header
	for _, h := range l {
		if strings.EqualFold(h.Name(), name) {
			out = append(out, h)
		}
	}
	return out
}

func mustAddrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
