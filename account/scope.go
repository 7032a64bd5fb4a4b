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
	ReadMessages   Scope = "messages:read"   // read messages and what became of them
	SendMessages   Scope = "messages:send"   // send messages, and dead letters again
	ReadCalls      Scope = "calls:read"      // events and statistics of its calls
	Work           Scope = "calls:work"      // act as the token's agent: log in, pause, and all that she does with calls
	Supervise      Scope = "calls:supervise" // see and steer every queue, call and agent of the service
)

// Scopes lists all of them.
func Scopes() []Scope {
	return []Scope{ReadDirectory, WriteDirectory, ReadReferrals, WriteReferrals, Webhook, ReadHistory, RevealCodes, Erase, ReadMessages, SendMessages, ReadCalls, Work, Supervise}
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
	Tenant string // the one tenant that it may see; empty for a token of the service itself; meaningless where All is set
	Agent  string // the receptionist as whom it acts, with the scope Work
	All    bool   // local administration: every tenant and every scope
	Scopes []Scope
}

// May tells whether the identity may do something for a tenant.
func (i Identity) May(tenant string, s Scope) bool {
	return i.All || i.Sees(tenant) && slices.Contains(i.Scopes, s)
}

// receptionist are the scopes that a receptionist has for tenants whose calls she answers: what is said and done during a call.
var receptionist = []Scope{ReadDirectory, WriteReferrals, RevealCodes, ReadMessages, SendMessages}

// AtWork is who the identity is to a tenant for which its agent answers: the receptionist, by her own name.
func (i Identity) AtWork(tenant string) Identity {
	if i.Agent == "" || i.Tenant != "" || !slices.Contains(i.Scopes, Work) {
		return i
	}
	return Identity{Name: AgentName + i.Agent, Token: i.Token, Tenant: tenant, Agent: i.Agent, Scopes: receptionist}
}

// AgentName begins the name of a receptionist, TokenName that of a token.
const (
	AgentName = "agent:"
	TokenName = "token:"
)

// IsAgent tells whether the identity is a receptionist.
func (i Identity) IsAgent() bool { return strings.HasPrefix(i.Name, AgentName) }

// ActsAs tells whether the identity may do what an agent does.
func (i Identity) ActsAs(agent string) bool {
	return i.Supervises() || agent != "" && i.Agent == agent && slices.Contains(i.Scopes, Work)
}

// Supervises tells whether the identity may see and steer all queues, calls and agents.
func (i Identity) Supervises() bool {
	return i.All || i.Tenant == "" && i.Token != "" && slices.Contains(i.Scopes, Supervise)
}

// Sees tells whether the identity may know that the tenant exists.
func (i Identity) Sees(tenant string) bool { return i.All || i.Tenant != "" && i.Tenant == tenant }
