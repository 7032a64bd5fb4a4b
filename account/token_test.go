package account

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestATokenProvesItselfUntilItExpiresOrIsRevoked(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	text, kept, err := Make(rand.Reader, Token{Tenant: "acme", Name: "ERP", Scopes: []Scope{ReadDirectory}, Expires: now})
	if err != nil {
		t.Fatal(err)
	}
	id, secret, ok := Split(text)
	if !ok || id != kept.ID {
		t.Fatalf("%q: id %q, %t", text, id, ok)
	}
	for at, want := range map[time.Time]error{now.Add(-1): nil, now: ErrExpired, now.Add(1): ErrExpired} {
		if err := kept.Check(secret, at); !errors.Is(err, want) {
			t.Errorf("%v: got %v, want %v", at, err, want)
		}
	}
	wrong := []byte(secret)
	wrong[3] ^= 1
	if err := kept.Check(string(wrong), now.Add(-1)); !errors.Is(err, ErrNoToken) {
		t.Errorf("a wrong secret: %v", err)
	}
	kept.Revoked = now
	if err := kept.Check(secret, now.Add(-1)); !errors.Is(err, ErrRevoked) {
		t.Errorf("revoked: %v", err)
	}
	doc, err := json.Marshal(kept)
	if err != nil || strings.Contains(string(doc), secret) {
		t.Errorf("the secret is kept: %s, %v", doc, err)
	}
	if _, _, err := Make(bytes.NewReader(nil), Token{}); err == nil {
		t.Error("a token without randomness was made")
	}
}

func TestATokenSeesOneTenant(t *testing.T) {
	i := Token{Tenant: "acme", Name: "ERP", Scopes: []Scope{ReadDirectory}}.Identity()
	if !i.May("acme", ReadDirectory) || i.May("acme", WriteDirectory) || i.May("other", ReadDirectory) || i.Sees("other") || i.Sees("") {
		t.Errorf("%+v", i)
	}
	if (Identity{}).May("", ReadDirectory) || !(Identity{All: true}).May("any", Erase) {
		t.Error("nobody may do anything, the administration everything")
	}
}

func TestScopesAreAClosedSet(t *testing.T) {
	got, err := ParseScopes([]string{"directory:read", " erase ", "erase"})
	if err != nil || !slices.Equal(got, []Scope{ReadDirectory, Erase}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range [][]string{nil, {"admin"}, {"directory:*"}} {
		if _, err := ParseScopes(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("tfn_0123456789abcdef_" + strings.Repeat("A", 43))
	f.Add("tfn__")
	f.Fuzz(func(t *testing.T, s string) {
		if id, secret, ok := Split(s); ok && prefix+id+"_"+secret != s {
			t.Fatalf("%q became %q and %q", s, id, secret)
		}
	})
}
