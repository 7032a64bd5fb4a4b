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
	Tenant    string          `json:"tenant"`
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
	Tenant    string    `json:"tenant"`
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
	return TokenInfo{t.ID, t.Tenant, t.Name, t.Scopes, t.Created, t.Expires, t.LastUsed, t.Revoked, t.Limit()}
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
			t, known := s.Tenants().Tenant(in.Body.Tenant)
			if !known || t.Disabled {
				return nil, directory.Problems{{Field: "tenant", Wrong: "there is no such tenant", Write: "write the id of a tenant"}}
			}
			allow, err := account.ParseScopes(in.Body.Scopes)
			if err != nil {
				return nil, directory.Problems{{Field: "scopes", Wrong: "are not usable", Write: err.Error()}}
			}
			now := s.Now()
			if e := in.Body.Expires; !e.IsZero() && !e.After(now) {
				return nil, directory.Problems{{Field: "expires", Wrong: "is not in the future", Write: "write a later instant"}}
			}
			text, kept, err := account.Make(rand.Reader, account.Token{Tenant: t.ID, Name: in.Body.Name, Scopes: allow, Created: now.UTC(),
				By: identity(ctx).Name, Expires: in.Body.Expires, PerMinute: in.Body.PerMinute})
			if err == nil {
				err = s.Store.PutToken(kept)
			}
			s.Log.Info("token made", "token", kept.ID, "tenant", t.ID, "name", kept.Name, "scopes", kept.Scopes)
			return &struct{ Body NewToken }{NewToken{info(kept), text}}, err
		}, status(http.StatusCreated))
	register(s, http.MethodDelete, "/tokens/{id}", "revoke-token", "Revoke a token at once", nil,
		func(_ context.Context, in *struct {
			ID string `path:"id"`
		}) (*struct{}, error) {
			err := s.Store.ChangeToken(in.ID, func(t *account.Token) {
				if t.Revoked.IsZero() {
					t.Revoked = s.Now().UTC()
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
