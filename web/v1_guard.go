package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/time/rate"

	"telefonist/account"
	"telefonist/directory"
)

// authenticator tells who asks.
type authenticator interface {
	who(ctx huma.Context) (account.Identity, account.Token, error)
}

// localAuth trusts whoever could open the administration socket.
type localAuth struct{}

func (localAuth) who(huma.Context) (account.Identity, account.Token, error) {
	return account.Identity{Name: "cli", All: true}, account.Token{}, nil
}

// tokenAuth asks for a token: Authorization: Bearer, or the password of Basic, which is all that some PBXs can send; or the cookie of a
// browser that has signed in.
type tokenAuth struct{ v *V1 }

func (a tokenAuth) who(ctx huma.Context) (account.Identity, account.Token, error) {
	r, _ := humago.Unwrap(ctx)
	text, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		_, text, _ = r.BasicAuth()
	}
	cookie, err := r.Cookie(sessionCookie)
	byCookie := err == nil && r.Header.Get("Authorization") == ""
	if byCookie {
		text = cookie.Value
	}
	t, err := a.v.tokenOf(text)
	if err == nil && byCookie {
		if err = mayHaveSession(t.Identity()); err == nil && !a.v.sameOrigin(ctx) {
			err = errCrossSite
		}
	}
	if err != nil {
		return account.Identity{}, account.Token{}, err
	}
	return t.Identity(), t, nil
}

// tokenOf is the token of a text that is valid now.
func (v *V1) tokenOf(text string) (account.Token, error) {
	id, secret, ok := account.Split(strings.TrimSpace(text))
	if !ok {
		return account.Token{}, account.ErrNoToken
	}
	t, err := v.Store.Token(id)
	if err != nil {
		return account.Token{}, err
	}
	return t, t.Check(secret, v.Now())
}

// isBadToken tells whether an error says that a token is none, or no longer.
func isBadToken(err error) bool {
	return errors.Is(err, account.ErrNoToken) || errors.Is(err, account.ErrExpired) || errors.Is(err, account.ErrRevoked)
}

// limiter is one token's.
type limiter struct {
	*rate.Limiter
	perMinute int
}

// wait takes one request of a token's; it returns how long to wait where there is none left.
func (l *limiters) wait(t account.Token, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.m == nil || len(l.m) > 10_000 {
		l.m = map[string]*limiter{}
	}
	one := l.m[t.ID]
	if one == nil || one.perMinute != t.Limit() {
		one = &limiter{rate.NewLimiter(rate.Limit(float64(t.Limit())/60), max(1, t.Limit()/6)), t.Limit()}
		l.m[t.ID] = one
	}
	r := one.ReserveN(now, 1)
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return d
	}
	return 0
}

// guard lets a request through whose token may do what the route does for the tenant in its path. A tenant that the token
// does not belong to is answered like one that does not exist.
func (s *v1) guard(ctx huma.Context, next func(huma.Context)) {
	ctx.SetHeader("Cache-Control", "no-store")
	who, token, err := s.auth.who(ctx)
	switch {
	case isBadToken(err):
		s.Metrics.requests.WithLabelValues("unauthorized").Inc()
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="telefonist"`)
		text := err.Error()
		if r, _ := humago.Unwrap(ctx); r.Header.Get("Authorization") == "" && len(r.CookiesNamed(sessionCookie)) == 0 {
			text = "there is no token: send it as Authorization: Bearer"
		}
		_ = huma.WriteErr(s.api, ctx, http.StatusUnauthorized, text)
		return
	case errors.Is(err, errCrossSite), errors.Is(err, errNoPage):
		s.Metrics.requests.WithLabelValues("refused").Inc()
		_ = huma.WriteErr(s.api, ctx, http.StatusForbidden, err.Error())
		return
	case err != nil:
		s.fail(ctx, "check token", err)
		return
	}
	if !who.All {
		if d := s.spend(token); d > 0 {
			s.Metrics.requests.WithLabelValues("limited").Inc()
			ctx.SetHeader("Retry-After", seconds(d))
			_ = huma.WriteErr(s.api, ctx, http.StatusTooManyRequests, tooMany(token))
			return
		}
	}
	allow, _ := ctx.Operation().Metadata[scopes].([]account.Scope)
	if tenant := ctx.Param("tenant"); tenant != "" {
		if s.answersFor(who, tenant) {
			who = who.AtWork(tenant)
		}
		if t, known := s.Tenants().Tenant(tenant); !known || t.Disabled && !who.All || !who.Sees(tenant) {
			s.Metrics.requests.WithLabelValues("refused").Inc()
			_ = huma.WriteErr(s.api, ctx, http.StatusNotFound, "no such tenant", &huma.ErrorDetail{Location: "path.tenant", Message: "no such tenant", Value: tenant})
			return
		}
		may := func(sc account.Scope) bool { return who.May(tenant, sc) }
		if len(allow) > 0 && !slices.ContainsFunc(allow, may) {
			s.lacks(ctx, allow)
			return
		}
		if more, is := ctx.Operation().Metadata[besides].(account.Scope); is && !may(more) {
			s.lacks(ctx, []account.Scope{more})
			return
		}
	}
	if wide, _ := ctx.Operation().Metadata[ofService].(bool); wide && !who.All {
		if !slices.ContainsFunc(allow, func(sc account.Scope) bool { return who.Tenant == "" && slices.Contains(who.Scopes, sc) }) {
			s.lacks(ctx, allow)
			return
		}
	}
	next(huma.WithValue(huma.WithValue(ctx, keyOf{}, who), subjectOf{}, subject{ctx.Param("tenant"), ctx.Param("id")}))
}

// lacks refuses a token that has none of the scopes.
func (s *v1) lacks(ctx huma.Context, allow []account.Scope) {
	s.Metrics.requests.WithLabelValues("refused").Inc()
	_ = huma.WriteErr(s.api, ctx, http.StatusForbidden, "the token lacks the scope "+strings.Join(account.Words(allow), " or "))
}

// answersFor tells whether the identity's receptionist answers calls of a tenant.
func (s *v1) answersFor(who account.Identity, tenant string) bool {
	a, known := s.Tenants().Agent(who.Agent)
	return known && a.Serves(tenant)
}

// subject is what a request is about, by its path.
type subject struct{ tenant, id string }

// subjectOf finds the subject in a request's context.
type subjectOf struct{}

// audit logs a write that was carried out, and who did it. What changes the directory stands in its history besides, with the old
// and the new text.
func (s *v1) audit(ctx context.Context, method, operation string) {
	if method == http.MethodGet {
		return
	}
	who := identity(ctx)
	of, _ := ctx.Value(subjectOf{}).(subject)
	s.Log.InfoContext(ctx, "api: written", "who", who.Name, "token", who.Token, "operation", operation, "tenant", of.tenant, "id", of.id)
}

func (s *v1) fail(ctx huma.Context, doing string, err error) {
	s.Metrics.requests.WithLabelValues("failed").Inc()
	s.Log.Error("api: "+doing, "err", err)
	_ = huma.WriteErr(s.api, ctx, http.StatusInternalServerError, "the server could not "+doing)
}

func isNotFound(err error) bool { return errors.Is(err, directory.ErrNotFound) }

// problem turns an error into what the client is told. What it is not told is logged.
func (s *v1) problem(ctx context.Context, err error) error {
	var told huma.StatusError
	var wrong directory.Problems
	result := "refused"
	switch {
	case errors.As(err, &told):
		switch told.GetStatus() {
		case http.StatusUnauthorized:
			result = "unauthorized"
		case http.StatusTooManyRequests:
			result = "limited"
		}
	case errors.As(err, &wrong):
		told = unprocessable("body", wrong)
	case isNotFound(err):
		told = huma.Error404NotFound("not found")
	case errors.Is(err, directory.ErrVersion):
		told = huma.Error412PreconditionFailed("it " + directory.ErrVersion.Error() + ": read it again")
	case errors.Is(err, directory.ErrTaken):
		told = huma.Error409Conflict(directory.ErrTaken.Error(), &huma.ErrorDetail{Location: "body.external_id", Message: directory.ErrTaken.Error()})
	case errors.Is(err, directory.ErrNoSubstitute):
		told = huma.Error409Conflict(directory.ErrNoSubstitute.Error() + ": read the people again")
	case errors.Is(err, directory.ErrImporting):
		told = huma.Error409Conflict(directory.ErrImporting.Error() + ": wait for its end")
	case errors.Is(err, directory.ErrImported):
		told = huma.Error409Conflict(directory.ErrImported.Error() + ": send the file again")
	case errors.Is(err, directory.ErrOnCall):
		told = huma.Error409Conflict(directory.ErrOnCall.Error() + ": ask again when it has ended")
	case errors.Is(err, directory.ErrCodeExpired):
		told = huma.Error410Gone(directory.ErrCodeExpired.Error())
	case errors.Is(err, directory.ErrNoKeys):
		told = huma.Error503ServiceUnavailable(directory.ErrNoKeys.Error())
	case errors.Is(err, directory.ErrKeysMissing):
		told = huma.Error503ServiceUnavailable(directory.ErrKeysMissing.Error())
		s.Log.ErrorContext(ctx, "api: a door code cannot be sealed", "who", identity(ctx).Name, "err", err)
	case errors.Is(err, directory.ErrLostKey):
		told = huma.Error503ServiceUnavailable(directory.ErrLostKey.Error())
		s.Log.ErrorContext(ctx, "api: a door code cannot be opened", "who", identity(ctx).Name, "err", err)
	case errors.Is(err, directory.ErrUnopened):
		told = huma.Error409Conflict(err.Error())
	case errors.Is(err, context.Canceled):
		told = huma.Error503ServiceUnavailable("the request was ended")
	default:
		result = "failed"
		s.Log.ErrorContext(ctx, "api: request failed", "who", identity(ctx).Name, "err", err)
		told = huma.Error500InternalServerError("the server could not do that")
	}
	s.Metrics.requests.WithLabelValues(result).Inc()
	if more, ok := errors.AsType[huma.HeadersError](err); ok {
		return huma.ErrorWithHeaders(told, more.GetHeaders())
	}
	return told
}

// unprocessable names the fields that are wrong.
func unprocessable(at string, wrong directory.Problems) huma.StatusError {
	var details []error
	for _, p := range wrong {
		where := at + "." + p.Field
		if strings.HasPrefix(p.Field, "[") { // the body is a list
			where = at + p.Field
		}
		details = append(details, &huma.ErrorDetail{Location: where, Message: p.Wrong + ": " + p.Write})
	}
	return huma.Error422UnprocessableEntity("validation failed", details...)
}

// etag writes a version as an entity tag.
func etag(version uint64) string { return `"` + strconv.FormatUint(version, 10) + `"` }

// Precondition names the version that a change is made of.
type Precondition struct {
	IfMatch     string `header:"If-Match" doc:"The ETag of the version that is changed, or * for any"`
	IfNoneMatch string `header:"If-None-Match" doc:"* where there must be none yet"`
}

// match gives the version for directory.Edit.
func (p Precondition) match() (uint64, error) {
	switch {
	case p.IfNoneMatch == "*" && p.IfMatch == "":
		return directory.NoVersion, nil
	case p.IfMatch == "*":
		return directory.AnyVersion, nil
	case p.IfMatch == "":
		return 0, huma.NewError(http.StatusPreconditionRequired, "say which version is changed",
			&huma.ErrorDetail{Location: "header.If-Match", Message: `write the ETag that was read, as "17", or If-None-Match: * for something new`})
	}
	text, found := strings.CutPrefix(p.IfMatch, `"`)
	text, closed := strings.CutSuffix(text, `"`)
	version, err := strconv.ParseUint(text, 10, 64)
	if !found || !closed || err != nil || version == directory.NoVersion || version == directory.AnyVersion {
		return 0, huma.Error412PreconditionFailed("no version has that ETag", &huma.ErrorDetail{Location: "header.If-Match", Value: p.IfMatch, Message: "write one ETag as it was read"})
	}
	return version, nil
}
