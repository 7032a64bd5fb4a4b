package directory

import (
	"time"

	"telefonist/call"
	"telefonist/tariff"
)

// Tenant is a company that is answered for.
type Tenant struct {
	ID     string
	Name   string
	Number string // the tenant's unique number, E.164
	Trunk  string // name of the trunk that its calls come from and go out by
	Common []CommonNumber
	// Prefixes are the beginnings of E.164 numbers that calls may be sent to, besides the tenant's own extensions. Empty
	// means the default: numbers of the tenant's own country but no premium-rate ones.
	Prefixes []string
	// Rules holds the tenant's settings with Tenant, TenantName, Number and Trunk filled in; the common number is filled in
	// per call.
	Rules call.Rules
	Plan  tariff.Plan
	// Disabled is set for a tenant that was taken out of provisioning: its number is unknown, its records stay.
	Disabled bool
}

// CommonNumber is a number or entrance of a tenant that callers know ("Försäljning").
type CommonNumber struct {
	Name            string
	Number          string // E.164
	CustomerService bool
}

// Agent is a receptionist with an extension.
type Agent struct {
	ID        string
	Name      string
	Extension string
	Kind      call.AgentKind
	// Tenants limits whom the agent answers for: empty means all for a service agent; an own agent has exactly one.
	Tenants []string
	// Password is the digest password of the agent's softphone.
	Password string
	// Wrap is the time after a call in which nothing is offered (default 5 s; zero: none).
	Wrap     time.Duration
	Disabled bool
}

// Serves tells whether the agent may be offered calls to the tenant.
func (a Agent) Serves(tenant string) bool {
	if len(a.Tenants) == 0 {
		return a.Kind == call.Service
	}
	for _, t := range a.Tenants {
		if t == tenant {
			return true
		}
	}
	return false
}

// Directory is an immutable snapshot. A change makes a new one.
type Directory struct {
	tenants  map[string]*Tenant // by id
	numbers  map[string]*Tenant // by unique number
	agents   map[string]*Agent  // by id
	byPhone  map[string]*Agent  // by extension and by id: the names that a softphone may register with
	agentIDs []string           // sorted
}
