package registrar

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"telefonist/sip/wire"
)

// Credentials finds who a user name (an agent id or an extension) belongs to.
// It must be quick and safe for concurrent use.
type Credentials interface {
	Lookup(user string) (agentID, password string, ok bool)
}

// Result says how an authentication ended. It is the closed label set of
// telefonist_registrar_auth_total.
type Result string

// The results. All but ResultOK and ResultForbidden are answered with the same challenge.
const (
	ResultOK        Result = "ok"
	ResultChallenge Result = "challenge" // no credentials for our realm
	ResultMalformed Result = "malformed" // unreadable, or not what was challenged for
	ResultStale     Result = "stale"     // right password, but the nonce is old, another's or used
	ResultFailed    Result = "failed"    // wrong user or password
	ResultLocked    Result = "locked"    // too many failures; the password was not looked at
	ResultForbidden Result = "forbidden" // authenticated, but From or To is another user
)

var results = []Result{
	ResultOK, ResultChallenge, ResultMalformed, ResultStale, ResultFailed, ResultLocked, ResultForbidden,
}

// Decision is what Authenticate found.
type Decision struct {
	Result  Result
	AgentID string // set for ResultOK
	User    string // the user name as the phone sent it; set for ResultOK

	challenges []sip.Header
	code       int
	reason     string
}

// OK reports whether the request is authenticated.
func (d Decision) OK() bool { return d.Result == ResultOK }

// Response is what the request is refused with: 401 or 407 with challenges, or
// 403. Refuse sends it; use this only where there is no transaction.
func (d Decision) Response(req *sip.Request) *sip.Response {
	res := sip.NewResponseFromRequest(req, d.code, d.reason, nil)
	for _, h := range d.challenges {
		res.AppendHeader(h)
	}
	return res
}

// auth is the authentication part of a Registrar; its lock is the Registrar's.
type auth struct {
	realm      string
	creds      Credentials
	algorithms []string
	nonces     *nonces
	users      *lockout // by user name, tries from addresses not in good
	addrs      *lockout // by source address, likewise
	pairs      *lockout // by user and address, tries from addresses in good
	good       map[string]time.Time
	nobodys    string // password of users that do not exist
}

// goodFor is how long an address from which a user has authenticated counts as
// that user's own, and maxGood how many such pairs are remembered.
const (
	goodFor = 24 * time.Hour
	maxGood = 10000
)

func newAuth(cfg Config) *auth {
	var b [16]byte
	rand.Read(b[:])
	return &auth{
		realm: cfg.Realm, creds: cfg.Credentials, algorithms: cfg.Algorithms, nobodys: hex.EncodeToString(b[:]),
		nonces: newNonces(cfg.Secret, cfg.NonceTTL, 100000),
		users:  newLockout(cfg.UserFailures, cfg.FailureLeak, 20000),
		addrs:  newLockout(cfg.AddrFailures, cfg.FailureLeak, 20000),
		pairs:  newLockout(cfg.AddrFailures, cfg.FailureLeak, maxGood),
		good:   make(map[string]time.Time),
	}
}

// check judges the credentials of a request: values are those of its
// Authorization or Proxy-Authorization headers.
func (a *auth) check(method, requestURI string, values []string, src netip.Addr, now time.Time) Decision {
	cred, result := a.find(values)
	if result != ResultOK {
		return Decision{Result: result}
	}
	user := strings.ToLower(cred.username)
	addr := src.Unmap().String()
	pair := user + " " + addr
	own := a.isGood(pair, now)
	if a.isLocked(own, user, addr, pair, now) {
		return Decision{Result: ResultLocked}
	}
	agentID, password, exists := a.creds.Lookup(cred.username)
	if !exists {
		password = a.nobodys
	}
	issued, fresh := a.nonces.valid(cred.nonce, src, now)
	right := slices.Contains(a.algorithms, cred.algorithm) && a.matches(cred, method, password) && exists && sameURI(cred.uri, requestURI)
	switch {
	case !right:
		a.failed(own, user, addr, pair, now)
		return Decision{Result: ResultFailed}
	case !fresh || !a.nonces.use(cred.nonce, cred.nc, issued, now):
		return Decision{Result: ResultStale}
	}
	a.remember(pair, now)
	return Decision{Result: ResultOK, AgentID: agentID, User: cred.username}
}

// find returns the credentials for our realm.
func (a *auth) find(values []string) (authorization, Result) {
	result := ResultChallenge
	for _, v := range values[:min(len(values), 4)] {
		cred, err := parseAuthorization(v)
		if err != nil {
			result = ResultMalformed
			continue
		}
		if cred.realm == a.realm {
			return cred, ResultOK
		}
	}
	return authorization{}, result
}

// matches compares in constant time. The work is the same for every user.
func (a *auth) matches(cred authorization, method, password string) bool {
	want, err := digest.Digest(&digest.Challenge{
		Realm: a.realm, Nonce: cred.nonce, Algorithm: cred.algorithm, QOP: []string{"auth"},
	}, digest.Options{
		Method: method, URI: cred.uri, Count: int(cred.nc), Username: cred.username, Password: password, Cnonce: cred.cnonce,
	})
	return err == nil && subtle.ConstantTimeCompare([]byte(want.Response), []byte(cred.response)) == 1
}

func (a *auth) isGood(pair string, now time.Time) bool {
	at, ok := a.good[pair]
	return ok && now.Sub(at) < goodFor
}

// isLocked keeps the users' own phones apart from everybody else: a flood of
// guesses from elsewhere locks the name for elsewhere only.
func (a *auth) isLocked(own bool, user, addr, pair string, now time.Time) bool {
	if own {
		return a.pairs.locked(pair, now)
	}
	return a.users.locked(user, now) || a.addrs.locked(addr, now)
}

func (a *auth) failed(own bool, user, addr, pair string, now time.Time) {
	if own {
		a.pairs.fail(pair, now)
		return
	}
	a.users.fail(user, now)
	a.addrs.fail(addr, now)
}

func (a *auth) remember(pair string, now time.Time) {
	a.pairs.clear(pair)
	if _, ok := a.good[pair]; !ok && len(a.good) >= maxGood {
		for p, at := range a.good {
			if now.Sub(at) >= goodFor || len(a.good) >= maxGood {
				delete(a.good, p)
			}
		}
	}
	a.good[pair] = now
}

// challenge completes a decision with the answer.
func (a *auth) challenge(d Decision, method sip.RequestMethod, src netip.Addr, now time.Time) Decision {
	if d.Result == ResultOK {
		return d
	}
	if d.Result == ResultForbidden {
		d.code, d.reason = sip.StatusForbidden, "Forbidden"
		return d
	}
	name := "Proxy-Authenticate"
	d.code, d.reason = sip.StatusProxyAuthRequired, "Proxy Authentication Required"
	if method == sip.REGISTER {
		name = "WWW-Authenticate"
		d.code, d.reason = sip.StatusUnauthorized, "Unauthorized"
	}
	nonce := a.nonces.issue(src, now)
	stale := ""
	if d.Result == ResultStale {
		stale = ",stale=true"
	}
	for _, algorithm := range a.algorithms {
		if algorithm = ",algorithm=" + algorithm; algorithm == ",algorithm=MD5" {
			algorithm = "" // which means MD5 (RFC 7616 3.3)
		}
		d.challenges = append(d.challenges, sip.NewHeader(name,
			`Digest realm="`+a.realm+`",nonce="`+nonce+`",qop="auth"`+algorithm+stale))
	}
	return d
}

// Refuse answers a request that is not authenticated, once and without keeping
// state. On UDP the stronger challenge and then the reason phrase are left out
// where the answer would be larger than the request. The shortest REGISTERs
// that tools send leave no room even so; they are answered up to half as much
// again, and anything shorter is not answered.
func (d Decision) Refuse(tx *wire.ServerTx) error {
	limit := math.MaxInt
	if tx.Source().Network == "udp" {
		limit = tx.Size()
	}
	res := d.build(tx)
	if len(d.challenges) > 1 && len(res.String()) > limit {
		d.challenges = slices.DeleteFunc(slices.Clone(d.challenges), func(h sip.Header) bool {
			return strings.Contains(h.Value(), ",algorithm=") // the longer one
		})
		res = d.build(tx)
	}
	if len(res.String()) > limit {
		d.reason = ""
		res = d.build(tx)
	}
	if len(res.String())/3*2 > limit {
		tx.Terminate()
		return errLarger
	}
	return tx.Refuse(res)
}

var errLarger = errors.New("answer would be much larger than the request")

func (d Decision) build(tx *wire.ServerTx) *sip.Response {
	res := tx.NewResponse(d.code, d.reason, nil)
	for _, h := range d.challenges {
		res.AppendHeader(h)
	}
	return res
}

// sameURI compares the digest's uri with the Request-URI by what phones agree
// on: user and host. Parameters, port and case of the host often differ.
func sameURI(a, b string) bool {
	var ua, ub sip.Uri
	if sip.ParseUri(a, &ua) != nil || sip.ParseUri(b, &ub) != nil {
		return false
	}
	return ua.User == ub.User && strings.EqualFold(ua.Host, ub.Host)
}
