package registrar

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

// log notes what store and owner are told.
type log struct {
	mu   sync.Mutex
	told []string
}

func (l *log) note(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, s)
}

func (l *log) SaveBinding(b Binding)   { l.note("save " + b.Contact) }
func (l *log) DeleteBinding(b Binding) { l.note("delete " + b.Contact) }

func (l *log) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := strings.Join(l.told, "; ")
	l.told = nil
	return s
}

func newLogged() (*Registrar, *log) {
	l := &log{}
	return New(Config{
		Credentials: staff, Store: l, Logger: slog.New(slog.DiscardHandler),
		OnChange: func(agent string, on bool, at time.Time) { l.note(fmt.Sprintf("%s %v", agent, on)) },
	}), l
}

var fromPhone = wire.Source{Network: "udp", Addr: phone, Local: netip.MustParseAddrPort("192.0.2.1:5060")}

// put carries out an authenticated REGISTER of anna's and returns the answer.
func put(r *Registrar, cseq int, now time.Time, headers ...string) *sip.Response {
	req := register("anna", headers...)
	req.CSeq().SeqNo = uint32(cseq)
	return r.register(req, "anna", fromPhone, now)
}

func contacts(res *sip.Response) string {
	var out []string
	for _, h := range res.GetHeaders("Contact") {
		out = append(out, h.Value())
	}
	return strings.Join(out, ", ")
}

func TestRegisterKeepsRefreshesAndRemovesContacts(t *testing.T) {
	r, l := newLogged()
	step := func(cseq int, after time.Duration, headers []string, wantContacts, wantLog string) {
		t.Helper()
		res := put(r, cseq, noon.Add(after), headers...)
		if res.StatusCode != 200 || contacts(res) != wantContacts {
			t.Fatalf("CSeq %d: %d %s", cseq, res.StatusCode, contacts(res))
		}
		if got := l.take(); got != wantLog {
			t.Fatalf("CSeq %d: told %q, want %q", cseq, got, wantLog)
		}
	}
	step(1, 0, nil, "", "")
	step(2, 0, []string{"Contact: <sip:anna@10.0.0.5:5062>", "Expires: 600"},
		"<sip:anna@10.0.0.5:5062>;expires=600", "save sip:anna@10.0.0.5:5062; anna true")
	step(3, time.Second, []string{"Contact: <sip:anna@10.0.0.6>;expires=120;q=0.5"},
		"<sip:anna@10.0.0.5:5062>;expires=599, <sip:anna@10.0.0.6>;expires=120;q=0.5", "save sip:anna@10.0.0.6")
	step(4, 2*time.Second, []string{"Contact: <sip:anna@10.0.0.5:5062>", "Expires: 7200"},
		"<sip:anna@10.0.0.5:5062>;expires=3600, <sip:anna@10.0.0.6>;expires=119;q=0.5", "save sip:anna@10.0.0.5:5062")
	step(5, 2*time.Second, []string{"Contact: <sip:anna@10.0.0.5:5062>;expires=0"},
		"<sip:anna@10.0.0.6>;expires=119;q=0.5", "delete sip:anna@10.0.0.5:5062")
	step(6, 2*time.Second, []string{"Contact: *", "Expires: 0"},
		"", "delete sip:anna@10.0.0.6; anna false")
	step(7, 2*time.Second, []string{"Contact: *", "Expires: 0"}, "", "")
}

func TestRegisterIsRefusedWhole(t *testing.T) {
	for name, tt := range map[string]struct {
		headers []string
		code    int
	}{
		"too brief":                  {[]string{"Contact: <sip:a@b>", "Contact: <sip:c@d>;expires=59"}, 423},
		"star with Expires":          {[]string{"Contact: *", "Expires: 60"}, 400},
		"star without Expires":       {[]string{"Contact: *"}, 400},
		"star with another":          {[]string{"Contact: *", "Contact: <sip:a@b>", "Expires: 0"}, 400},
		"another scheme":             {[]string{"Contact: <sip:a@b>", "Contact: <mailto:a@b>"}, 400},
		"expires in letters":         {[]string{"Contact: <sip:a@b>;expires=soon"}, 400},
		"q over 1":                   {[]string{"Contact: <sip:a@b>;q=1.1"}, 400},
		"long contact":               {[]string{"Contact: <sip:" + strings.Repeat("a", 600) + "@b>"}, 400},
		"lower CSeq of same Call-ID": {[]string{"CSeq: 1 REGISTER", "Contact: <sip:first@b>", "Contact: <sip:new@b>"}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			r, l := newLogged()
			put(r, 9, noon, "Contact: <sip:first@b>")
			l.take()
			cseq := 10
			if tt.code == 500 {
				cseq, tt.headers = 9, tt.headers[1:]
			}
			res := put(r, cseq, noon, tt.headers...)
			if res.StatusCode != tt.code {
				t.Fatalf("%d, want %d", res.StatusCode, tt.code)
			}
			if tt.code == 423 && res.GetHeader("Min-Expires").Value() != "60" {
				t.Error("no Min-Expires")
			}
			if got := l.take(); got != "" || len(r.Contacts("anna", noon)) != 1 {
				t.Fatalf("something was done: %s", got)
			}
		})
	}
}

func TestBindingRunsOutToTheNanosecond(t *testing.T) {
	r, l := newLogged()
	put(r, 1, noon, "Contact: <sip:a@b>;expires=60")
	l.take()
	end := noon.Add(time.Minute)
	if next := r.Expire(end.Add(-1)); next != end || len(r.Contacts("anna", end.Add(-1))) != 1 || l.take() != "" {
		t.Fatal("gone too early")
	}
	if len(r.Contacts("anna", end)) != 0 {
		t.Fatal("offered when run out")
	}
	if next := r.Expire(end); !next.IsZero() || l.take() != "delete sip:a@b; anna false" {
		t.Fatal("not removed")
	}
	if flow, host := r.Known(phone); flow || host {
		t.Fatal("still a known source")
	}
}

func TestPhoneIsReachedWhereItsRegistrationCameFrom(t *testing.T) {
	r, _ := newLogged()
	put(r, 1, noon, "Contact: <sip:anna@10.9.9.9:7777;transport=udp>")
	b := r.Contacts("anna", noon)[0]
	if b.Dest().Addr != phone || b.Dest().Local != fromPhone.Local || b.Contact != "sip:anna@10.9.9.9:7777;transport=udp" {
		t.Fatalf("%+v", b)
	}
	for src, want := range map[netip.AddrPort][2]bool{
		phone: {true, true}, netip.AddrPortFrom(phone.Addr(), 1): {false, true}, thief: {false, false},
	} {
		if flow, host := r.Known(src); flow != want[0] || host != want[1] {
			t.Errorf("%s: flow %v, host %v", src, flow, host)
		}
	}
}

func TestPhoneWithAnInstanceReplacesItsOldContact(t *testing.T) {
	r, l := newLogged()
	put(r, 1, noon, `Contact: <sip:a@10.0.0.5:1111>;+sip.instance="<urn:uuid:1>";reg-id=1`)
	put(r, 2, noon, `Contact: <sip:a@10.0.0.5:2222>;+sip.instance="<urn:uuid:1>";reg-id=1`)
	if got := r.Contacts("anna", noon); len(got) != 1 || got[0].Contact != "sip:a@10.0.0.5:2222" {
		t.Fatalf("%+v", got)
	}
	if got := l.take(); got != "save sip:a@10.0.0.5:1111; anna true; delete sip:a@10.0.0.5:1111; save sip:a@10.0.0.5:2222" {
		t.Fatal(got)
	}
}

func TestContactsAreCapped(t *testing.T) {
	r, _ := newLogged()
	for i := range 15 {
		put(r, i+1, noon.Add(time.Duration(i)*time.Second), fmt.Sprintf("Contact: <sip:a%d@b>", i))
	}
	got := r.Contacts("anna", noon.Add(time.Minute))
	if len(got) != 10 || got[0].Contact != "sip:a14@b" || got[9].Contact != "sip:a5@b" {
		t.Fatalf("%d contacts, %v", len(got), got)
	}
}

func TestBindingsSurviveARestart(t *testing.T) {
	r, _ := newLogged()
	put(r, 1, noon, "Contact: <sip:a@b>;expires=600", "User-Agent: x")
	put(r, 2, noon, "Contact: <sip:c@d>;expires=60")
	var kept []Binding
	data, err := json.Marshal(r.Contacts("anna", noon))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	again, l := newLogged()
	later := noon.Add(time.Minute)
	again.Restore(kept, later)
	if got := again.Contacts("anna", later); !reflect.DeepEqual(got, r.Contacts("anna", later)) {
		t.Fatalf("%+v", got)
	}
	if got := l.take(); !strings.Contains(got, "anna true") || strings.Contains(got, "false") || !strings.Contains(got, "delete sip:c@d") {
		t.Fatal(got)
	}
	// The same Call-ID goes on counting.
	if res := put(again, 1, later, "Contact: <sip:a@b>"); res.StatusCode != 500 {
		t.Fatal("an old REGISTER was taken after the restart")
	}
	late, l := newLogged()
	late.Restore(kept[1:], noon.Add(time.Hour))
	if got := l.take(); got != "delete sip:c@d; anna false" {
		t.Fatal(got)
	}
}

func TestForgetRemovesAllContacts(t *testing.T) {
	r, l := newLogged()
	put(r, 1, noon, "Contact: <sip:a@b>")
	l.take()
	r.Forget("anna", noon)
	if got := l.take(); got != "delete sip:a@b; anna false" {
		t.Fatal(got)
	}
}
