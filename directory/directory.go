package directory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/tariff"
)

// Tenant is a company that is answered for. Its slices are shared with the directory: read only.
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
	// Serving says when calls are answered and by whom; ByNumber does for calls that came by one of the common numbers (E.164)
	// that differ.
	Serving  Serving
	ByNumber map[string]Serving
	Callers  Callers
	// HasOwn tells that the tenant has receptionists of its own here. New sets it.
	HasOwn bool
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
	// Groups that she belongs to, and what she can (languages, "knows:acme").
	Groups, Skills []string
	// ViaTrunk is the extension or number behind her tenant's trunk that a receptionist of the tenant is reached by, in place of a
	// phone that registers: she can always be reached. Empty: her phone registers as Extension.
	ViaTrunk string
	// Supervisor is set for one whom others consult: she is offered no calls from the line.
	Supervisor bool
	// Password is the digest password of the agent's softphone.
	Password Secret
	// Wrap is the time after a call in which nothing is offered (default 5 s; zero: none).
	Wrap time.Duration
	// Codecs are what her phone may speak, best first (names of RFC 4855); nil: the usual ones. SRTP is "off", "optional" or
	// "required".
	Codecs []string
	SRTP   string
	// Disabled is set for an agent that was taken out of provisioning: nobody can register as her, her records stay.
	Disabled bool
}

// Serves tells whether the agent may be offered calls to the tenant.
func (a Agent) Serves(tenant string) bool {
	if a.Disabled {
		return false
	}
	if len(a.Tenants) == 0 {
		return a.Kind == call.Service
	}
	return slices.Contains(a.Tenants, tenant)
}

// Directory is an immutable snapshot, safe for any number of readers. A change makes a new one.
type Directory struct {
	tenants   map[string]*Tenant // by id
	numbers   map[string]*Tenant // by unique number, enabled ones only
	agents    map[string]*Agent  // by id
	byPhone   map[string]*Agent  // by extension and by id: the names that a softphone may register with
	tenantIDs []string           // sorted
	agentIDs  []string           // sorted
	switches  map[string]Switch  // by tenant
}

// New builds a snapshot and reports all that contradicts itself: names used twice, numbers that are not E.164, agents of
// unknown tenants. Disabled tenants and agents keep their ids but set their numbers and extensions free.
func New(tenants []Tenant, agents []Agent) (*Directory, error) {
	d := &Directory{
		tenants: make(map[string]*Tenant, len(tenants)), numbers: make(map[string]*Tenant, len(tenants)),
		agents: make(map[string]*Agent, len(agents)), byPhone: make(map[string]*Agent, 2*len(agents)),
	}
	var errs []error
	for _, t := range tenants {
		errs = append(errs, d.addTenant(t)...)
	}
	for _, a := range agents {
		errs = append(errs, d.addAgent(a)...)
	}
	slices.Sort(d.tenantIDs)
	slices.Sort(d.agentIDs)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("build directory: %w", err)
	}
	return d, nil
}

func (d *Directory) addTenant(t Tenant) (errs []error) {
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("tenant %q: "+format, append([]any{t.ID}, args...)...))
	}
	if t.ID == "" {
		bad("no id")
	} else if _, taken := d.tenants[t.ID]; taken {
		bad("id is used twice")
	}
	t.Common, t.Prefixes = slices.Clone(t.Common), slices.Clone(t.Prefixes)
	t.Rules.Tenant, t.Rules.TenantName, t.Rules.Number, t.Rules.Trunk = t.ID, t.Name, t.Number, t.Trunk
	t.Rules.Voicemail, t.Rules.Welcome = slices.Clone(t.Rules.Voicemail), slices.Clone(t.Rules.Welcome)
	t.ByNumber, t.HasOwn = maps.Clone(t.ByNumber), false
	t.Serving.prepare()
	for number, s := range t.ByNumber {
		s.prepare()
		t.ByNumber[number] = s
	}
	if _, taken := d.tenants[t.ID]; !taken {
		d.tenants[t.ID] = &t
		d.tenantIDs = append(d.tenantIDs, t.ID)
	}
	if t.Disabled {
		return errs
	}
	if number, err := ParseNumber(t.Number, Region); err != nil || number != t.Number {
		bad("number %q is not E.164", t.Number)
	} else if other, taken := d.numbers[t.Number]; taken {
		bad("number %s is that of tenant %q", t.Number, other.ID)
	} else {
		d.numbers[t.Number] = &t
	}
	seen := map[string]bool{}
	for _, c := range t.Common {
		if number, err := ParseNumber(c.Number, Region); err != nil || number != c.Number {
			bad("common number %q is not E.164", c.Number)
		} else if seen[c.Number] || c.Number == t.Number {
			bad("common number %s is used twice", c.Number)
		}
		seen[c.Number] = true
	}
	return errs
}

func (d *Directory) addAgent(a Agent) (errs []error) {
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("agent %q: "+format, append([]any{a.ID}, args...)...))
	}
	if _, taken := d.agents[a.ID]; taken || a.ID == "" {
		bad("id is missing or used twice")
		return errs
	}
	a.Tenants, a.Groups, a.Skills = slices.Clone(a.Tenants), slices.Clone(a.Groups), slices.Clone(a.Skills)
	d.agents[a.ID] = &a
	d.agentIDs = append(d.agentIDs, a.ID)
	if a.Disabled {
		return errs
	}
	if a.ViaTrunk != "" {
		if a.Kind != call.Own || a.Extension != "" {
			bad("only a receptionist of a tenant, without an extension of her own, is reached by its trunk")
		}
	} else if !IsExtension(a.Extension) || short(a.Extension, Region) {
		bad("extension %q is not 2 to 5 digits that begin with 1 to 9", a.Extension)
	}
	switch {
	case a.Kind != call.Service && a.Kind != call.Own:
		bad("kind %q is neither %q nor %q", a.Kind, call.Service, call.Own)
	case a.Kind == call.Own && len(a.Tenants) != 1:
		bad("kind %q needs exactly one tenant", a.Kind)
	}
	for _, id := range a.Tenants {
		if _, known := d.tenants[id]; !known {
			bad("tenant %q is unknown", id)
		}
	}
	if a.Kind == call.Own && len(a.Tenants) == 1 && d.tenants[a.Tenants[0]] != nil {
		t := d.tenants[a.Tenants[0]]
		t.HasOwn = t.HasOwn || !a.Supervisor // callers do not wait for her
		a.Skills = append(a.Skills, t.skills()...)
	}
	for _, name := range []string{a.Extension, a.ID} {
		if name == "" {
			continue
		}
		if other, taken := d.byPhone[name]; taken && other != &a {
			bad("%q is a name of agent %q", name, other.ID)
			continue
		}
		d.byPhone[name] = &a
	}
	return errs
}
