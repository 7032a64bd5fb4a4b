package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"telefonist/account"
	"telefonist/directory"
)

// TokenInfo is a token without its secret.
type TokenInfo struct {
	ID        string          `json:"id"`
	Tenant    string          `json:"tenant,omitempty"`
	Agent     string          `json:"agent,omitempty"`
	Name      string          `json:"name"`
	Scopes    []account.Scope `json:"scopes"`
	Created   time.Time       `json:"created"`
	Expires   time.Time       `json:"expires,omitzero"`
	LastUsed  time.Time       `json:"last_used,omitzero"`
	Revoked   time.Time       `json:"revoked,omitzero"`
	PerMinute int             `json:"per_minute"`
}

// NewToken is a token that was made, with its text, which is told only now.
type NewToken struct {
	TokenInfo
	Token string `json:"token"`
}

// TokenRequest asks for a token.
type TokenRequest struct {
	Tenant    string    `json:"tenant,omitempty" doc:"Whose directory it reaches; missing for a token of the service"`
	Agent     string    `json:"agent,omitempty" doc:"The receptionist as whom it acts, with the scope calls:work"`
	Name      string    `json:"name" minLength:"1" maxLength:"100"`
	Scopes    []string  `json:"scopes"`
	Expires   time.Time `json:"expires,omitzero"`
	PerMinute int       `json:"per_minute,omitempty" minimum:"0" maximum:"100000"`
}

// Rotated tells what a rotation did.
type Rotated struct {
	Codes int `json:"codes" doc:"Door codes that were sealed anew"`
}

func info(t account.Token) TokenInfo {
	return TokenInfo{t.ID, t.Tenant, t.Agent, t.Name, t.Scopes, t.Created, t.Expires, t.LastUsed, t.Revoked, t.Limit()}
}

// wanted is the token that is asked for, as far as it can be made.
func (s *v1) wanted(ctx context.Context, r TokenRequest) (t account.Token, err error) {
	now := s.Now()
	if tenant, known := s.Tenants().Tenant(r.Tenant); r.Tenant != "" && (!known || tenant.Disabled) {
		return t, directory.Problems{{Field: "tenant", Wrong: "there is no such tenant", Write: "write the id of a tenant"}}
	}
	if a, known := s.Tenants().Agent(r.Agent); r.Agent != "" && (!known || a.Disabled) {
		return t, directory.Problems{{Field: "agent", Wrong: "there is no such agent", Write: "write the id of an agent"}}
	}
	allow, err := account.ParseScopes(r.Scopes)
	if err != nil {
		return t, directory.Problems{{Field: "scopes", Wrong: "are not usable", Write: err.Error()}}
	}
	if e := r.Expires; !e.IsZero() && !e.After(now) {
		return t, directory.Problems{{Field: "expires", Wrong: "is not in the future", Write: "write a later instant"}}
	}
	t = account.Token{Tenant: r.Tenant, Agent: r.Agent, Name: r.Name, Scopes: allow, Created: now.UTC(), By: identity(ctx).Name,
		Expires: r.Expires, PerMinute: r.PerMinute}
	if wrong := t.Problem(); wrong != "" {
		return t, directory.Problems{{Field: "scopes", Wrong: "do not fit", Write: wrong}}
	}
	return t, nil
}

// localRoutes are those that only the administration socket has.
func (s *v1) localRoutes() {
	register(s, http.MethodGet, "/tokens", "list-tokens", "Tokens, without their secrets", nil,
		func(_ context.Context, in *struct {
			Tenant string `query:"tenant"`
		}) (*struct{ Body []TokenInfo }, error) {
			all, err := s.Store.Tokens(in.Tenant)
			out := &struct{ Body []TokenInfo }{[]TokenInfo{}}
			for _, t := range all {
				out.Body = append(out.Body, info(t))
			}
			return out, err
		})
	register(s, http.MethodPost, "/tokens", "create-token", "Make a token; its text is told once", nil,
		func(ctx context.Context, in *struct{ Body TokenRequest }) (*struct{ Body NewToken }, error) {
			want, err := s.wanted(ctx, in.Body)
			if err != nil {
				return nil, err
			}
			text, kept, err := account.Make(rand.Reader, want)
			if err == nil {
				err = s.Store.PutToken(kept)
			}
			s.Log.Info("token made", "token", kept.ID, "tenant", kept.Tenant, "agent", kept.Agent, "name", kept.Name, "scopes", kept.Scopes)
			return &struct{ Body NewToken }{NewToken{info(kept), text}}, err
		}, status(http.StatusCreated))
	register(s, http.MethodDelete, "/tokens/{id}", "revoke-token", "Revoke a token at once", nil,
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*struct{}, error) {
			err := s.Store.ChangeToken(in.ID, func(t *account.Token) {
				if t.Revoked.IsZero() {
					t.Revoked, t.RevokedBy = s.Now().UTC(), identity(ctx).Name
				}
			})
			if err == account.ErrNoToken {
				err = directory.ErrNotFound
			}
			s.Log.Info("token revoked", "token", in.ID, "err", err)
			return nil, err
		}, status(http.StatusNoContent))
	register(s, http.MethodPost, "/keys/rotate", "rotate-keys", "Make a new key and seal every door code with it", nil,
		func(_ context.Context, in *struct {
			Forget bool `query:"forget" doc:"Drop earlier keys, which backups of the store may need"`
		}) (*struct{ Body Rotated }, error) {
			n, err := s.Store.RotateKeys(in.Forget, s.Now())
			s.Log.Info("keys rotated", "codes", n, "forget", in.Forget, "err", err)
			return &struct{ Body Rotated }{Rotated{n}}, err
		})
}
