package web

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"telefonist/account"
	"telefonist/call"
	"telefonist/queue"
)

// sessionCookie carries the token of a browser that has signed in. No script can read it, and it is looked at in each request like any other:
// one that is revoked ends the session at once.
const sessionCookie = "telefonist_session"

var (
	errCrossSite = errors.New("another site asks for this: what changes something is taken from the service's own pages alone")
	errNoPage    = errors.New("no page is for this token: it lacks the scope " + strings.Join(account.Words(working), " or ") + ", or " + string(account.ReadDirectory) + " of a tenant")
)

// SessionInput is what a browser signs in with.
type SessionInput struct {
	Body struct {
		Token string `json:"token" minLength:"1" maxLength:"200" doc:"A token with calls:work or calls:supervise, or a tenant's with directory:read"`
	}
	overTLS bool
}

// Resolve notes how the request came.
func (in *SessionInput) Resolve(ctx huma.Context) []error {
	in.overTLS = ctx.TLS() != nil
	return nil
}

// Session tells a page who it is for and what it may offer.
type Session struct {
	Name       string          `json:"name" doc:"What the token is called"`
	Agent      *SessionAgent   `json:"agent,omitempty" doc:"As whom the token acts; missing: as nobody, or as one who is no longer"`
	Works      bool            `json:"works" doc:"Calls can be handled"`
	Supervises bool            `json:"supervises"`
	Tenants    []SessionTenant `json:"tenants" doc:"Whom she answers for, all for a supervisor, by name"`
	Groups     []string        `json:"groups" doc:"What calls may be given to, as group:NAME"`
	Pauses     []string        `json:"pauses" doc:"Reasons of a pause"`
	Portal     []SessionPortal `json:"portal" doc:"Companies whose own page the token may see: a tenant's token its one, a tenant's own receptionist hers, nobody else any"`
}

// SessionPortal is a company whose own page may be seen.
type SessionPortal struct {
	SessionTenant
	MaySwitch bool `json:"may_switch" doc:"The token may say that the company's own receptionists are away, or back"`
}

// SessionAgent is a receptionist.
type SessionAgent struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Extension string         `json:"extension"`
	Kind      call.AgentKind `json:"kind" enum:"service,tenant"`
}

// SessionTenant is a company that she answers for.
type SessionTenant struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Number string `json:"number"`
}

type cookieOutput struct {
	SetCookie string `header:"Set-Cookie"`
}

// sessionRoutes declares how a browser signs in: with a token, which a cookie carries from then on.
func (s *v1) sessionRoutes() {
	open := func(method, id, summary string, codes ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1/session", Summary: summary, DefaultStatus: http.StatusNoContent,
			Errors: codes, Security: []map[string][]string{}, MaxBodyBytes: 4 << 10, Middlewares: huma.Middlewares{s.ownPages}}
	}
	huma.Register(s.api, open(http.MethodPost, "sign-in", "Begin a session of a browser: a cookie carries the token from now on", 401, 403, 422, 429),
		func(ctx context.Context, in *SessionInput) (*cookieOutput, error) {
			t, err := s.signIn(in.Body.Token)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			s.Metrics.requests.WithLabelValues("ok").Inc()
			s.Log.InfoContext(ctx, "api: session begun", "who", t.Identity().Name, "token", t.ID)
			return &cookieOutput{s.cookie(in.Body.Token, t.Expires, in.overTLS)}, nil
		})
	huma.Register(s.api, open(http.MethodDelete, "sign-out", "End the session of a browser; the token stays valid, and the receptionist is what she is", 403),
		func(context.Context, *struct{}) (*cookieOutput, error) {
			gone := http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode}
			s.Metrics.requests.WithLabelValues("ok").Inc()
			return &cookieOutput{gone.String()}, nil
		})
	register(s, http.MethodGet, "/session", "session", "Who the token is, and what a page may offer", slices.Concat(working, reading),
		func(ctx context.Context, _ *struct{}) (*struct{ Body Session }, error) {
			who := identity(ctx)
			if err := mayHaveSession(who); err != nil {
				return nil, huma.Error403Forbidden(err.Error())
			}
			return &struct{ Body Session }{s.session(who)}, nil
		})
}

// ownPages lets only requests of the service's own pages through, and of programs.
func (s *v1) ownPages(ctx huma.Context, next func(huma.Context)) {
	if !s.sameOrigin(ctx) {
		s.Metrics.requests.WithLabelValues("refused").Inc()
		_ = huma.WriteErr(s.api, ctx, http.StatusForbidden, errCrossSite.Error())
		return
	}
	next(ctx)
}

// sameOrigin tells whether a request may change something by a cookie: a browser says which site asks, and a program has no cookies of others.
func (v *V1) sameOrigin(ctx huma.Context) bool {
	r, _ := humago.Unwrap(ctx)
	protection := http.NewCrossOriginProtection()
	if u := v.site(); u.Host != "" {
		_ = protection.AddTrustedOrigin(u.Scheme + "://" + u.Host) // the configuration's is one
	}
	return protection.Check(r) == nil
}

// site is the address that browsers use, where that is another than the server's, as they write it (RFC 6454 section 6.2).
func (v *V1) site() url.URL {
	if v.Site == nil {
		return url.URL{}
	}
	u, err := url.Parse(v.Site())
	if err != nil {
		return url.URL{}
	}
	u.Host = strings.ToLower(u.Host)
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; port != "" {
		u.Host = strings.TrimSuffix(u.Host, port)
	}
	return *u
}

// signIn checks a token that a session is to begin with. It counts as a request of the token's.
func (s *v1) signIn(text string) (account.Token, error) {
	t, err := s.tokenOf(text)
	if err == nil {
		err = mayHaveSession(t.Identity())
	}
	switch {
	case errors.Is(err, errNoPage):
		return t, huma.Error403Forbidden(err.Error())
	case isBadToken(err):
		return t, huma.Error401Unauthorized(err.Error())
	case err != nil:
		return t, err
	}
	if d := s.spend(t); d > 0 {
		return t, huma.ErrorWithHeaders(huma.Error429TooManyRequests(tooMany(t)), http.Header{"Retry-After": {seconds(d)}})
	}
	return t, nil
}

// mayHaveSession tells whether there is a page for somebody: the console, or the page of a tenant.
func mayHaveSession(who account.Identity) error {
	some := working
	if who.Tenant != "" {
		some = reading
	}
	if !who.All && !slices.ContainsFunc(some, func(sc account.Scope) bool { return slices.Contains(who.Scopes, sc) }) {
		return errNoPage
	}
	return nil
}

// cookie carries a token until the browser is closed, or until the token's own end.
func (v *V1) cookie(token string, expires time.Time, overTLS bool) string {
	c := http.Cookie{Name: sessionCookie, Value: strings.TrimSpace(token), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: overTLS || v.site().Scheme == "https"}
	if !expires.IsZero() {
		c.MaxAge = max(1, int(expires.Sub(v.Now())/time.Second))
	}
	return c.String()
}

// session tells who an identity is.
func (s *v1) session(who account.Identity) Session {
	dir := s.Tenants()
	out := Session{Name: strings.TrimPrefix(who.Name, account.TokenName), Supervises: who.Supervises(), Tenants: []SessionTenant{}, Groups: []string{},
		Pauses: queue.Chosen, Portal: s.portal(who)}
	me, known := dir.Agent(who.Agent)
	known = known && !me.Disabled
	if known {
		out.Agent, out.Works = &SessionAgent{me.ID, me.Name, me.Extension, me.Kind}, who.ActsAs(me.ID)
	}
	for _, t := range dir.Tenants() {
		if !t.Disabled && (out.Supervises || known && me.Serves(t.ID)) {
			out.Tenants = append(out.Tenants, SessionTenant{t.ID, t.Name, t.Number})
		}
	}
	slices.SortFunc(out.Tenants, SessionTenant.compare)
	for _, a := range dir.Agents() {
		if !a.Disabled && (out.Supervises || known && (a.ID == me.ID || meet(me, a))) {
			out.Groups = append(out.Groups, a.Groups...)
		}
	}
	slices.Sort(out.Groups)
	out.Groups = slices.Compact(out.Groups)
	return out
}

// portal lists the companies whose own page somebody may see.
func (s *v1) portal(who account.Identity) []SessionPortal {
	all := []SessionPortal{}
	for _, t := range s.Tenants().Tenants() {
		to := who
		if s.isOwn(who.Agent) && s.answersFor(who, t.ID) {
			to = who.AtWork(t.ID)
		}
		if who.All || t.Disabled || !to.May(t.ID, account.ReadDirectory) {
			continue
		}
		may := s.SetSwitch != nil && slices.ContainsFunc(switching, func(sc account.Scope) bool { return to.May(t.ID, sc) })
		all = append(all, SessionPortal{SessionTenant{t.ID, t.Name, t.Number}, may})
	}
	slices.SortFunc(all, func(a, b SessionPortal) int { return a.compare(b.SessionTenant) })
	return all
}

func (t SessionTenant) compare(other SessionTenant) int {
	return strings.Compare(t.Name+"\x00"+t.ID, other.Name+"\x00"+other.ID)
}

// spend takes one request of a token's; it returns how long to wait where there is none left.
func (s *v1) spend(t account.Token) time.Duration {
	if d := s.limiters.wait(t, s.Now()); d > 0 {
		return d
	}
	if err := s.Store.UseToken(t.ID, s.Now()); err != nil { // reading goes on though nothing can be written
		s.Log.Warn("api: the use of a token could not be noted", "token", t.ID, "err", err)
	}
	return 0
}

func tooMany(t account.Token) string { return fmt.Sprintf("more than %d requests a minute", t.Limit()) }

// seconds writes how long to wait in whole seconds.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }
