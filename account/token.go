package account

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Token is what is kept of a token.
type Token struct {
	ID       string    `json:"id"`
	Tenant   string    `json:"tenant"`          // empty for one of the service itself
	Agent    string    `json:"agent,omitempty"` // the receptionist as whom it acts
	Name     string    `json:"name"`            // what it is for
	Scopes   []Scope   `json:"scopes"`
	Hash     []byte    `json:"hash"` // SHA-256 of the secret part
	Created  time.Time `json:"created"`
	By       string    `json:"by"`
	Expires  time.Time `json:"expires,omitzero"`
	LastUsed time.Time `json:"last_used,omitzero"` // to the minute
	Revoked  time.Time `json:"revoked,omitzero"`
	// RevokedBy took it back.
	RevokedBy string `json:"revoked_by,omitempty"`
	// PerMinute is how many requests it may make; zero: DefaultPerMinute.
	PerMinute int `json:"per_minute,omitempty"`
}

// DefaultPerMinute is how many requests a token may make in a minute.
const DefaultPerMinute = 600

// Limit is the number of requests in a minute.
func (t Token) Limit() int {
	if t.PerMinute > 0 {
		return t.PerMinute
	}
	return DefaultPerMinute
}

// prefix begins every token, so that tools that look for secrets in code find it.
const prefix = "tfn_"

const (
	idBytes     = 8
	secretBytes = 32
)

// Errors of tokens.
var (
	// ErrNoToken: the text is no token, or none that exists. Which, is not told.
	ErrNoToken = errors.New("the token is not valid")
	// ErrExpired: the token was valid once.
	ErrExpired = errors.New("the token has expired")
	// ErrRevoked: the token was taken back.
	ErrRevoked = errors.New("the token was revoked")
)

// Make makes a token with 256 random bits. The text is shown once and never kept.
func Make(random io.Reader, t Token) (text string, kept Token, err error) {
	raw := make([]byte, idBytes+secretBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", Token{}, fmt.Errorf("make token: %w", err)
	}
	t.ID = hex.EncodeToString(raw[:idBytes])
	secret := base64.RawURLEncoding.EncodeToString(raw[idBytes:])
	t.Hash = hash(secret)
	return prefix + t.ID + "_" + secret, t, nil
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Problem tells why a token of these rights would make no sense, empty where it does: those of a tenant's directory need a tenant,
// those of the service's work have none, and who acts as a receptionist is one.
func (t Token) Problem() string {
	work, supervise := slices.Contains(t.Scopes, Work), slices.Contains(t.Scopes, Supervise)
	switch ofService := work || supervise; {
	case work != (t.Agent != ""):
		return "the scope " + string(Work) + " and an agent go together: name both or none"
	case ofService && t.Tenant != "":
		return "the scopes " + string(Work) + " and " + string(Supervise) + " are the service's: name no tenant"
	case ofService && slices.ContainsFunc(t.Scopes, func(s Scope) bool { return s != Work && s != Supervise }):
		return "the scopes " + string(Work) + " and " + string(Supervise) + " do not go with those of a tenant: make two tokens"
	case !ofService && t.Tenant == "":
		return "the tenant is missing"
	}
	return ""
}

// Split takes a token's text apart. ok is false where it cannot be one.
func Split(text string) (id, secret string, ok bool) {
	rest, found := strings.CutPrefix(text, prefix)
	if !found {
		return "", "", false
	}
	id, secret, found = strings.Cut(rest, "_")
	if !found || len(id) != 2*idBytes || len(secret) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return "", "", false
	}
	return id, secret, true
}

// Check tells whether the secret is the token's and it may be used at an instant. It takes the same time whatever the
// secret is.
func (t Token) Check(secret string, now time.Time) error {
	if subtle.ConstantTimeCompare(hash(secret), t.Hash) != 1 {
		return ErrNoToken
	}
	if !t.Revoked.IsZero() {
		return ErrRevoked
	}
	if !t.Expires.IsZero() && !now.Before(t.Expires) {
		return ErrExpired
	}
	return nil
}

// Identity is who asks with the token.
func (t Token) Identity() Identity {
	return Identity{Name: TokenName + t.Name, Token: t.ID, Tenant: t.Tenant, Agent: t.Agent, Scopes: t.Scopes}
}
