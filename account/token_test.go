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

func TestTokensOfTheServiceActAsOneAgentOrSupervise(t *testing.T) {
	anna := Token{ID: "1", Agent: "anna", Scopes: []Scope{Work}}
	super := Token{ID: "2", Scopes: []Scope{Supervise}}
	if i := anna.Identity(); !i.ActsAs("anna") || i.ActsAs("bo") || i.ActsAs("") || i.Supervises() || i.Sees("acme") || i.May("acme", Work) {
		t.Errorf("anna: %+v", i)
	}
	if i := super.Identity(); !i.ActsAs("anna") || !i.Supervises() || i.Sees("acme") {
		t.Errorf("the supervisor: %+v", i)
	}
	if i := (Token{ID: "3", Tenant: "acme", Scopes: []Scope{Supervise}}).Identity(); i.Supervises() {
		t.Error("a tenant's token supervises the service")
	}
	for _, bad := range []Token{{}, {Tenant: "acme", Scopes: []Scope{Work}, Agent: "anna"}, {Scopes: []Scope{Work}}, {Scopes: []Scope{Supervise, Erase}},
		{Tenant: "acme", Agent: "anna", Scopes: []Scope{Erase}}, {Scopes: []Scope{Erase}}} {
		if bad.Problem() == "" {
			t.Errorf("%+v makes sense", bad)
		}
	}
	for _, good := range []Token{anna, super, {Tenant: "acme", Scopes: []Scope{Erase}}, {Agent: "anna", Scopes: []Scope{Work, Supervise}}} {
		if p := good.Problem(); p != "" {
			t.Errorf("%+v: %s", good, p)
		}
	}
}

func TestAReceptionistIsHerselfToATenant(t *testing.T) {
	anna := Token{ID: "1", Agent: "anna", Name: "Konsol", Scopes: []Scope{Work, Supervise}}.Identity()
	i := anna.AtWork("acme")
	if i.Name != "agent:anna" || !i.IsAgent() || !i.May("acme", SendMessages) || !i.May("acme", RevealCodes) || i.May("other", SendMessages) || i.Supervises() {
		t.Errorf("%+v", i)
	}
	for _, never := range []Scope{WriteDirectory, ReadReferrals, ReadHistory, Erase, Webhook, ReadCalls} {
		if i.May("acme", never) {
			t.Errorf("a receptionist has %s", never)
		}
	}
	for _, other := range []Identity{{Name: "cli", All: true}, Token{ID: "2", Tenant: "acme", Name: "ERP", Scopes: Scopes()}.Identity(), Token{ID: "3", Name: "Tavla", Scopes: []Scope{Supervise}}.Identity()} {
		if got := other.AtWork("evil"); got.IsAgent() || got.Name != other.Name || got.Sees("evil") != other.All {
			t.Errorf("%+v became %+v", other, got)
		}
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
