package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/tariff"
)

// State is what was ever provisioned, to be kept between starts. It is plain data and holds no secret.
type State struct {
	Tenants map[string]TenantState `json:"tenants,omitempty"`
	Agents  map[string]AgentState  `json:"agents,omitempty"`
}

// TenantState is one tenant: what the files said last, what was edited elsewhere, and whether the files still have it.
type TenantState struct {
	Named TenantSpec `json:"named"`
	// Edited holds fields set elsewhere than in a file; they count where the file does not name them.
	Edited   TenantSpec `json:"edited,omitzero"`
	Disabled bool       `json:"disabled,omitempty"`
}

// AgentState is one agent, in the same way.
type AgentState struct {
	Named    AgentSpec `json:"named"`
	Edited   AgentSpec `json:"edited,omitzero"`
	Disabled bool      `json:"disabled,omitempty"`
}

// Apply merges the provisioning files with what was provisioned before. A file owns the fields that it names: they are as
// it says; the others keep what was edited elsewhere, or their default. A tenant or agent whose entry was taken out stays,
// disabled; an entry that comes back is enabled again. prev is not changed.
//
// What is returned is the state to keep and the directory to use from now on. The configuration must be without errors; an
// error here means that an edit made elsewhere contradicts a file.
func (c *Config) Apply(prev State) (State, *directory.Directory, error) {
	next := State{Tenants: map[string]TenantState{}, Agents: map[string]AgentState{}}
	for id, t := range prev.Tenants {
		t.Disabled = true
		next.Tenants[id] = t
	}
	for id, a := range prev.Agents {
		a.Disabled, a.Named.Password = true, ""
		next.Agents[id] = a
	}
	for _, p := range c.provisions {
		for _, t := range p.Tenants {
			next.Tenants[string(t.ID)] = TenantState{Named: t, Edited: prev.Tenants[string(t.ID)].Edited}
		}
		for _, a := range p.Agents {
			next.Agents[string(a.ID)] = AgentState{Named: a, Edited: prev.Agents[string(a.ID)].Edited}
		}
	}
	dir, err := c.Directory(next)
	if err != nil {
		return State{}, nil, fmt.Errorf("apply provisioning: %w", err)
	}
	return next, dir, nil
}

// Directory builds the directory of a state. Plans that the configuration does not have are the default plan.
func (c *Config) Directory(s State) (*directory.Directory, error) {
	var tenants []directory.Tenant
	for _, id := range slices.Sorted(maps.Keys(s.Tenants)) {
		tenants = append(tenants, c.tenant(s.Tenants[id]))
	}
	var agents []directory.Agent
	for _, id := range slices.Sorted(maps.Keys(s.Agents)) {
		agents = append(agents, c.agent(s.Agents[id]))
	}
	return directory.New(tenants, agents)
}

// or gives what is named, else what holds otherwise.
func or[T any](named *T, otherwise T) T {
	if named != nil {
		return *named
	}
	return otherwise
}

func orDuration(named *tariff.Duration, otherwise time.Duration) time.Duration {
	return time.Duration(or(named, tariff.Duration(otherwise)))
}

func (c *Config) tenant(s TenantState) directory.Tenant {
	spec := overlay(s.Named, s.Edited)
	plan, known := c.Plan(or(spec.Plan, c.DefaultPlan))
	if !known { // only of a disabled tenant: a file that names an unknown plan is refused
		plan = tariff.DefaultPlan()
	}
	t := directory.Tenant{
		ID: string(spec.ID), Name: or(spec.Name, string(spec.ID)), Number: string(or(spec.Number, "")),
		Trunk: string(or(spec.Trunk, "")), Plan: plan, Disabled: s.Disabled,
	}
	for _, n := range or(spec.CommonNumbers, nil) {
		t.Common = append(t.Common, directory.CommonNumber{Name: n.Name, Number: string(n.Number), CustomerService: n.CustomerService})
	}
	for _, p := range or(spec.Prefixes, nil) {
		t.Prefixes = append(t.Prefixes, string(p))
	}
	t.Rules = c.rules(spec, plan)
	c.serving(&t, spec)
	return t
}

// rules gives a tenant's settings: its own, then those of the queue section, then those of its plan.
func (c *Config) rules(spec TenantSpec, plan tariff.Plan) call.Rules {
	q := c.Queue
	included := time.Duration(plan.Included)
	r := call.Rules{
		Priority:     or(spec.Priority, q.Priority),
		RingFirst:    or(spec.Answer, q.Answer) == "ring",
		RingFirstFor: orDuration(spec.RingFor, q.RingFor),
		MaxWait:      orDuration(spec.MaxWait, q.MaxWait),
		MaxQueue:     or(spec.MaxQueue, q.MaxQueue),
		Overflow:     call.Overflow(or(spec.Overflow, q.Overflow)),
		ForwardTo:    string(or(spec.ForwardTo, "")),
		RingTimeout:  orDuration(spec.RingTimeout, q.RingTimeout),
		RecallAfter:  orDuration(spec.RecallAfter, q.RecallAfter),
		Warn:         orDuration(spec.WarnAt, included*7/9), // 35 s of 45 s
		Included:     included,
		Long:         time.Duration(plan.LongAfter),
		Music:        or(spec.Music, q.Music),
		Welcome:      append([]string(nil), or(spec.Welcome, q.Welcome)...),
		Whisper:      or(spec.Whisper, ""),
		Language:     or(spec.Language, q.Language),

		AnnounceAfter:    orDuration(spec.AnnounceAfter, q.AnnounceAfter),
		AnnouncePosition: orDuration(spec.AnnouncePosition, q.AnnouncePosition),
		AnnounceWait:     orDuration(spec.AnnounceWait, q.AnnounceWait),
	}
	c.limits(&r, spec)
	if message := or(spec.Message, ""); message != "" {
		r.Welcome = append(r.Welcome, message)
	}
	for _, v := range or(spec.Voicemail, nil) {
		r.Voicemail = append(r.Voicemail, string(v))
	}
	return r
}

func (c *Config) agent(s AgentState) directory.Agent {
	spec := overlay(s.Named, s.Edited)
	a := directory.Agent{
		ID: string(spec.ID), Name: or(spec.Name, string(spec.ID)), Extension: string(or(spec.Extension, "")),
		Kind: call.AgentKind(or(spec.Kind, string(call.Service))), Password: s.Named.Password,
		Wrap: orDuration(spec.WrapUp, c.Queue.WrapUp), Disabled: s.Disabled,
	}
	a.ViaTrunk, a.Supervisor = string(or(spec.TrunkExtension, "")), or(spec.Supervisor, false)
	for _, g := range or(spec.Groups, nil) {
		a.Groups = append(a.Groups, string(g))
	}
	for _, k := range or(spec.Skills, nil) {
		a.Skills = append(a.Skills, string(k))
	}
	a.SRTP, a.Codecs = or(spec.SRTP, "off"), CodecNames(or(spec.Codecs, nil))
	for _, id := range spec.tenants() {
		a.Tenants = append(a.Tenants, string(id))
	}
	return a
}
