package registrar

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"go.uber.org/goleak"
)

// people are the credentials of the tests: user name to agent and password.
type people map[string][2]string

func (p people) Lookup(user string) (string, string, bool) {
	v, ok := p[user]
	return v[0], v[1], ok
}

var (
	staff = people{"anna": {"anna", "secret"}, "101": {"anna", "secret"}, "bo": {"bo", "other"}}
	phone = netip.MustParseAddrPort("192.0.2.50:5060")
	thief = netip.MustParseAddrPort("198.51.100.66:5060")
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTest() *Registrar {
	return New(Config{Credentials: staff, UserFailures: 5, AddrFailures: 8, Logger: slog.New(slog.DiscardHandler)})
}

// register builds a REGISTER; headers given as "Name: value".
func register(user string, headers ...string) *sip.Request {
	return message(sip.REGISTER, user, headers...)
}

func message(method sip.RequestMethod, user string, headers ...string) *sip.Request {
	text := fmt.Sprintf("%s sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.50:5060;branch=z9hG4bK1\r\n"+
		"From: <sip:%s@192.0.2.1>;tag=a\r\nTo: <sip:%s@192.0.2.1>\r\nCall-ID: reg\r\nCSeq: 1 %s\r\n",
		method, user, user, method)
	for _, h := range headers {
		text += h + "\r\n"
	}
	msg, err := sip.ParseMessage([]byte(text + "\r\n"))
	if err != nil {
		panic(err)
	}
	return msg.(*sip.Request)
}

// try is how a phone answers a challenge.
type try struct {
	user, password string
	algorithm      string
	nc             int
	method         string
	change         func(string) string
}

func (y try) header(t *testing.T, d Decision) string {
	t.Helper()
	if y.algorithm == "" {
		y.algorithm = "SHA-256"
	}
	if y.method == "" {
		y.method = "REGISTER"
	}
	name := "Authorization"
	for _, h := range d.challenges {
		if h.Name() == "Proxy-Authenticate" {
			name = "Proxy-Authorization"
		}
		chal, err := digest.ParseChallenge(h.Value())
		if err != nil {
			t.Fatal(err)
		}
		if cmp.Or(chal.Algorithm, "MD5") != y.algorithm {
			continue
		}
		cred, err := digest.Digest(chal, digest.Options{
			Method: y.method, URI: "sip:192.0.2.1", Username: y.user, Password: y.password, Count: max(y.nc, 1), Cnonce: "cc",
		})
		if err != nil {
			t.Fatal(err)
		}
		value := cred.String()
		if y.change != nil {
			value = y.change(value)
		}
		return name + ": " + value
	}
	t.Fatalf("no %s challenge", y.algorithm)
	return ""
}

// challenge asks for one.
func challenge(t *testing.T, r *Registrar, src netip.AddrPort, now time.Time) Decision {
	t.Helper()
	d := r.Authenticate(register("anna"), src, now)
	if d.Result != ResultChallenge || d.code != 401 || len(d.challenges) != 2 {
		t.Fatalf("%+v", d)
	}
	return d
}

func TestBothAlgorithmsAuthenticate(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		r := newTest()
		h := try{user: "101", password: "secret", algorithm: algorithm}.header(t, challenge(t, r, phone, noon))
		d := r.Authenticate(register("101", h), phone, noon)
		if !d.OK() || d.AgentID != "anna" || d.User != "101" {
			t.Errorf("%s: %+v", algorithm, d)
		}
	}
}

func TestOnlyOfferedAlgorithmsAreTaken(t *testing.T) {
	r := New(Config{Credentials: staff, Algorithms: []string{"MD5", "SHA-1"}})
	d := r.Authenticate(register("anna"), phone, noon)
	if len(d.challenges) != 1 || strings.Contains(d.challenges[0].Value(), "algorithm") {
		t.Fatalf("%+v", d)
	}
	y := try{user: "anna", password: "secret", algorithm: "MD5"}
	if d := r.Authenticate(register("anna", y.header(t, d)), phone, noon); !d.OK() {
		t.Fatal(d.Result)
	}
	chal, _ := digest.ParseChallenge(d.challenges[0].Value())
	chal.Algorithm = "SHA-256"
	cred, _ := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: "sip:192.0.2.1", Username: "anna", Password: "secret", Count: 2})
	if d := r.Authenticate(register("anna", "Authorization: "+cred.String()), phone, noon); d.Result != ResultFailed {
		t.Fatal(d.Result)
	}
}

func TestOtherRequestsAreChallengedAsByAProxy(t *testing.T) {
	r := newTest()
	d := r.Authenticate(message(sip.INVITE, "anna"), phone, noon)
	if d.code != 407 || d.challenges[0].Name() != "Proxy-Authenticate" {
		t.Fatalf("%+v", d)
	}
	h := try{user: "anna", password: "secret", method: "INVITE"}.header(t, d)
	if d := r.Authenticate(message(sip.INVITE, "anna", h), phone, noon); !d.OK() {
		t.Fatalf("%+v", d)
	}
}

func TestFromAndToMustBeTheAuthenticatedAgents(t *testing.T) {
	r := newTest()
	h := try{user: "anna", password: "secret"}.header(t, challenge(t, r, phone, noon))
	d := r.Authenticate(register("bo", h), phone, noon)
	if d.Result != ResultForbidden || d.code != 403 || len(d.challenges) != 0 {
		t.Fatalf("foreign From: %+v", d)
	}
	h = try{user: "anna", password: "secret", nc: 2}.header(t, challenge(t, r, phone, noon))
	if d := r.Authenticate(register("101", h), phone, noon); !d.OK() {
		t.Fatalf("own extension: %+v", d)
	}
}

func TestDigestThatIsReplayedOrForgedIsNotAccepted(t *testing.T) {
	good := try{user: "anna", password: "secret"}
	swap := func(old, new string) try {
		y := good
		y.change = func(s string) string {
			if !strings.Contains(s, old) {
				panic("nothing to change: " + s)
			}
			return strings.Replace(s, old, new, 1)
		}
		return y
	}
	for name, tt := range map[string]struct {
		try  try
		src  netip.AddrPort
		late time.Duration
		want Result
	}{
		"good":                  {good, phone, 0, ResultOK},
		"good at the last":      {good, phone, 5 * time.Minute, ResultOK},
		"expired nonce":         {good, phone, 5*time.Minute + time.Second, ResultStale},
		"nonce of another IP":   {good, thief, 0, ResultStale},
		"wrong password":        {try{user: "anna", password: "wrong"}, phone, 0, ResultFailed},
		"unknown user":          {try{user: "nobody", password: "secret"}, phone, 0, ResultFailed},
		"password of the dummy": {try{user: "nobody", password: ""}, phone, 0, ResultFailed},
		"another method":        {try{user: "anna", password: "secret", method: "INVITE"}, phone, 0, ResultFailed},
		"no qop":                {swap(`qop=auth`, `x=y`), phone, 0, ResultMalformed},
		"auth-int":              {swap(`qop=auth`, `qop=auth-int`), phone, 0, ResultMalformed},
		"MD5-sess":              {swap("SHA-256", "MD5-sess"), phone, 0, ResultMalformed},
		"SHA-512-256":           {swap("SHA-256", "SHA-512-256"), phone, 0, ResultMalformed},
		"another uri":           {swap(`uri="sip:192.0.2.1"`, `uri="sip:192.0.2.2"`), phone, 0, ResultFailed},
		"another realm":         {swap(`realm="telefonist"`, `realm="elsewhere"`), phone, 0, ResultChallenge},
		"nc changed":            {swap("nc=00000001", "nc=00000002"), phone, 0, ResultFailed},
		"nc 0":                  {swap("nc=00000001", "nc=00000000"), phone, 0, ResultMalformed},
		"nonce changed":         {swap(`nonce="`, `nonce="A`), phone, 0, ResultFailed},
		"parameter twice":       {swap("nc=00000001", `nc=00000001, username="bo"`), phone, 0, ResultMalformed},
		"8 KB":                  {swap("nc=00000001", `nc=00000001, x="`+strings.Repeat("a", 8192)+`"`), phone, 0, ResultMalformed},
		"not digest":            {swap("Digest", "Basic"), phone, 0, ResultMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			r := newTest()
			h := tt.try.header(t, challenge(t, r, phone, noon))
			d := r.Authenticate(register("anna", h), tt.src, noon.Add(tt.late))
			if d.Result != tt.want {
				t.Fatalf("%s, want %s", d.Result, tt.want)
			}
			stale := len(d.challenges) > 0 && strings.Contains(d.challenges[0].Value(), "stale=true")
			if !d.OK() && stale != (tt.want == ResultStale) {
				t.Fatalf("stale=%v", stale)
			}
		})
	}
}

func TestNonceCountIsAcceptedOnce(t *testing.T) {
	r := newTest()
	d := challenge(t, r, phone, noon)
	for i, tt := range []struct {
		nc   int
		want Result
	}{{1, ResultOK}, {1, ResultStale}, {3, ResultOK}, {2, ResultOK}, {2, ResultStale}, {3, ResultStale}, {100, ResultOK}, {36, ResultStale}, {37, ResultOK}} {
		h := try{user: "anna", password: "secret", nc: tt.nc}.header(t, d)
		if got := r.Authenticate(register("anna", h), phone, noon); got.Result != tt.want {
			t.Fatalf("step %d, nc %d: %s, want %s", i, tt.nc, got.Result, tt.want)
		}
	}
}

func TestForgottenCountsMakeTheirNoncesStale(t *testing.T) {
	r := newTest()
	r.auth.nonces.limit = 2
	first := challenge(t, r, phone, noon)
	h := try{user: "anna", password: "secret"}.header(t, first)
	if d := r.Authenticate(register("anna", h), phone, noon); !d.OK() {
		t.Fatal(d.Result)
	}
	for range 3 {
		h := try{user: "anna", password: "secret"}.header(t, challenge(t, r, phone, noon))
		r.Authenticate(register("anna", h), phone, noon)
	}
	if d := r.Authenticate(register("anna", h), phone, noon); d.Result != ResultStale {
		t.Fatalf("a replay was taken: %s", d.Result)
	}
	if n := len(r.auth.nonces.used); n > 2 {
		t.Fatalf("%d nonces remembered", n)
	}
}

func TestKnownAndUnknownUsersGetTheSameAnswer(t *testing.T) {
	shape := func(user string) string {
		r := newTest()
		h := try{user: user, password: "guess"}.header(t, challenge(t, r, thief, noon))
		d := r.Authenticate(register(user, h), thief, noon)
		text := d.Response(register(user)).String()
		for _, c := range d.challenges {
			chal, _ := digest.ParseChallenge(c.Value())
			text = strings.ReplaceAll(text, chal.Nonce, "N")
		}
		text = strings.ReplaceAll(text, user, "U")
		to, tail, _ := strings.Cut(text, "To: ")
		_, tail, _ = strings.Cut(tail, "\r\n")
		return to + tail
	}
	if a, b := shape("anna"), shape("nobody"); a != b {
		t.Fatalf("%s\n---\n%s", a, b)
	}
}

func TestGuessingLocksTheNameAndTheAddressButNotTheOwnersPhone(t *testing.T) {
	r := newTest()
	signIn := func(src netip.AddrPort, user, password string, now time.Time) Result {
		h := try{user: user, password: password}.header(t, r.Authenticate(register(user), src, now))
		return r.Authenticate(register(user, h), src, now).Result
	}
	if got := signIn(phone, "anna", "secret", noon); got != ResultOK {
		t.Fatal(got)
	}
	// Many addresses guess one name: the name locks.
	for i := range 5 {
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 5060)
		if got := signIn(src, "anna", "guess", noon); got != ResultFailed {
			t.Fatalf("guess %d: %s", i, got)
		}
	}
	if got := signIn(thief, "anna", "secret", noon); got != ResultLocked {
		t.Fatalf("right password from elsewhere while locked: %s", got)
	}
	if got := signIn(phone, "anna", "secret", noon); got != ResultOK {
		t.Fatalf("the owner's phone: %s", got)
	}
	// Unknown names lock likewise.
	for range 5 {
		signIn(thief, "nobody", "guess", noon)
	}
	if got := signIn(thief, "nobody", "guess", noon); got != ResultLocked {
		t.Fatal(got)
	}
	// One address guesses many names: the address locks.
	for i := range 8 {
		signIn(thief, fmt.Sprint("user", i), "guess", noon)
	}
	if got := signIn(thief, "bo", "other", noon); got != ResultLocked {
		t.Fatalf("address not locked: %s", got)
	}
	// Time heals.
	if got := signIn(thief, "bo", "other", noon.Add(time.Minute)); got != ResultOK {
		t.Fatalf("after a minute: %s", got)
	}
	if got := signIn(thief, "anna", "secret", noon.Add(time.Minute)); got != ResultOK {
		t.Fatalf("after a minute: %s", got)
	}
}

func TestLockoutTableIsBounded(t *testing.T) {
	l := newLockout(3, time.Minute, 100)
	for i := range 1000 {
		l.fail(fmt.Sprint(i), noon)
	}
	if n := len(l.fails); n > 100 {
		t.Fatalf("%d entries", n)
	}
}

// FuzzAuthorization: nothing panics, and what is read has only what we ask for.
func FuzzAuthorization(f *testing.F) {
	f.Add(`Digest username="anna", realm="telefonist", nonce="n", uri="sip:a", response="` + strings.Repeat("a", 32) +
		`", qop=auth, nc=00000001, cnonce="c", algorithm=MD5`)
	f.Add(`digest username="a\"b",realm=r,nonce=n,uri=u,response=` + strings.Repeat("0", 64) + `,qop="auth",nc=ffffffff,cnonce=c,algorithm=sha-256`)
	f.Add(`Digest a="\`)
	f.Add(`Digest =,=,`)
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAuthorization(s)
		if err != nil {
			return
		}
		if a.username == "" || a.nc == 0 || a.cnonce == "" || len(a.response) != map[string]int{"MD5": 32, "SHA-256": 64}[a.algorithm] {
			t.Fatalf("%+v", a)
		}
		again, err := parseAuthorization(fmt.Sprintf(
			`Digest username=%s,realm=%s,nonce=%s,uri=%s,response=%s,cnonce=%s,algorithm=%s,qop=auth,nc=%08x`,
			quote(a.username), quote(a.realm), quote(a.nonce), quote(a.uri), a.response, quote(a.cnonce), a.algorithm, a.nc))
		if err == nil && again != a {
			t.Fatalf("%+v\n%+v", a, again)
		}
	})
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
