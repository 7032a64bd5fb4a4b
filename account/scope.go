package account

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is one thing that a token may do for its tenant.
type Scope string

// The closed set of scopes.
const (
	ReadDirectory  Scope = "directory:read"  // instructions, notices, questions, offices, people and what may be said of them
	WriteDirectory Scope = "directory:write" // change, import and delete these
	ReadReferrals  Scope = "referrals:read"  // true reasons of absence, which may be health data
	WriteReferrals Scope = "referrals:write" // set and clear referrals
	Webhook        Scope = "webhook"         // tell of referrals as a PBX does, and nothing else
	ReadHistory    Scope = "history:read"    // who changed what
	RevealCodes    Scope = "doorcodes:show"  // see a door code during a call
	Erase          Scope = "erase"           // erase a person with all traces
)

// Scopes lists all of them.
func Scopes() []Scope {
	return []Scope{ReadDirectory, WriteDirectory, ReadReferrals, WriteReferrals, Webhook, ReadHistory, RevealCodes, Erase}
}

// ParseScopes reads scopes; it refuses what is none, and drops repetitions.
func ParseScopes(words []string) ([]Scope, error) {
	var out []Scope
	for _, w := range words {
		s := Scope(strings.TrimSpace(w))
		if !slices.Contains(Scopes(), s) {
			return nil, fmt.Errorf("there is no scope %q: write some of %s", w, strings.Join(Words(Scopes()), ", "))
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("a token without scopes could do nothing: write some of %s", strings.Join(Words(Scopes()), ", "))
	}
	return out, nil
}

// Words gives scopes as strings.
func Words(scopes []Scope) []string {
	out := make([]string, len(scopes))
	for i, s := range scopes {
		out[i] = string(s)
	}
	return out
}

// Identity is who asks.
type Identity struct {
	Name   string // "token:ERP", "agent:anna", "cli"
	Token  string // id of the token, empty for the local administration
	Tenant string // the one tenant that it may see; meaningless where All is set
	All    bool   // local administration: every tenant and every scope
	Scopes []Scope
}

// May tells whether the identity may do something for a tenant.
func (i Identity) May(tenant string, s Scope) bool {
	return i.All || i.Sees(tenant) && slices.Contains(i.Scopes, s)
}

// Sees tells whether the identity may know that the tenant exists.
func (i Identity) Sees(tenant string) bool { return i.All || i.Tenant != "" && i.Tenant == tenant }
