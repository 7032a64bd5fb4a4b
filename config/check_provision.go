package config

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/tariff"
)

// owner says where a name was taken first.
type owner struct {
	file string
	line int
	who  string
}

// taken finds what is used twice, across all provisioning files.
type taken map[string]owner

// claim records who uses a name; where another does already it says so and returns false.
func (t taken) claim(s *source, at, name, who, fix string) bool {
	if first, used := t[name]; used {
		s.fail(at, fmt.Sprintf("%q is used by %s already (%s:%d)", name, first.who, first.file, first.line), fix)
		return false
	}
	t[name] = owner{s.file, s.find(at).line, who}
	return true
}

// provisionCheck looks at what only all files together show.
type provisionCheck struct {
	c                            *Config
	tenants, numbers, ids, phone taken
	specs                        map[ID]TenantSpec
	own                          map[ID]bool    // tenants with receptionists of their own here
	can                          map[Skill]bool // what any agent can
	members                      map[ID]bool    // groups that any agent is in
}

// checkProvisions checks the provisioning files against each other and the main file.
func (c *Config) checkProvisions() {
	k := provisionCheck{c, taken{}, taken{}, taken{}, taken{}, map[ID]TenantSpec{}, map[ID]bool{}, map[Skill]bool{}, map[ID]bool{}}
	for _, p := range c.provisions {
		for _, a := range p.Agents {
			k.note(a)
		}
	}
	for _, p := range c.provisions {
		for i, t := range p.Tenants {
			k.claimTenant(p.src, fmt.Sprintf("tenants[%d]", i), t)
		}
	}
	for _, p := range c.provisions {
		for i, t := range p.Tenants {
			at := fmt.Sprintf("tenants[%d]", i)
			k.references(p.src, at, t)
			k.common(p.src, at, t)
			k.rules(p.src, at, t)
			k.serving(p.src, at, t)
			k.callers(p.src, at, t)
			k.limit(p.src, at, t)
		}
	}
	for _, p := range c.provisions { // ids first: an extension may not be one, wherever it stands
		for i, a := range p.Agents {
			if a.ID != "" {
				k.ids.claim(p.src, fmt.Sprintf("agents[%d].id", i), string(a.ID), "agent "+string(a.ID), "write another id")
			}
		}
	}
	for _, p := range c.provisions {
		for i, a := range p.Agents {
			k.agent(p.src, fmt.Sprintf("agents[%d]", i), a)
		}
	}
}

// note gathers what tenants may ask for.
func (k *provisionCheck) note(a AgentSpec) {
	for _, skill := range or(a.Skills, nil) {
		k.can[skill] = true
	}
	for _, group := range or(a.Groups, nil) {
		k.members[group] = true
	}
	if ids := a.tenants(); len(ids) == 1 && call.AgentKind(or(a.Kind, "")) == call.Own && !or(a.Supervisor, false) {
		k.own[ids[0]] = true
	}
}

func (k *provisionCheck) claimTenant(s *source, at string, t TenantSpec) {
	who := fmt.Sprintf("tenant %s", t.ID)
	if t.ID != "" {
		k.tenants.claim(s, at+".id", string(t.ID), who, "write another id")
	}
	k.specs[t.ID] = t
	if t.Number != nil && *t.Number != "" {
		k.numbers.claim(s, at+".number", string(*t.Number), who, "write the number that only this tenant forwards to")
		warnUnassigned(s, at+".number", *t.Number)
	}
}

func warnUnassigned(s *source, at string, n Number) {
	if n != "" && !assigned(string(n)) {
		s.warn(at, fmt.Sprintf("%s belongs to no series of numbers that is known", n), "check it for a missing or wrong digit")
	}
}

func (k *provisionCheck) references(s *source, at string, t TenantSpec) {
	if t.Trunk != nil && *t.Trunk != "" {
		var names []string
		for _, trunk := range k.c.Trunks {
			names = append(names, string(trunk.Name))
		}
		if !slices.Contains(names, string(*t.Trunk)) {
			fix := "write its entry under trunks in the main configuration"
			if near := closest(string(*t.Trunk), names); near != "" {
				fix = fmt.Sprintf("did you mean %s?", near)
			} else if len(names) > 0 {
				fix = "write " + oneOf(names)
			}
			s.fail(at+".trunk", fmt.Sprintf("there is no trunk %q", *t.Trunk), fix)
		}
	}
	if t.Plan != nil {
		if _, known := k.c.Plan(*t.Plan); !known {
			s.fail(at+".plan", fmt.Sprintf("there is no plan %q", *t.Plan), "write "+oneOf(k.c.planIDs()))
		}
	}
}

func (k *provisionCheck) common(s *source, at string, t TenantSpec) {
	if t.CommonNumbers == nil {
		return
	}
	seen := map[Number]int{}
	for i, c := range *t.CommonNumbers {
		key := fmt.Sprintf("%s.common_numbers[%d].number", at, i)
		if c.Number == "" {
			continue
		}
		warnUnassigned(s, key, c.Number)
		if first, twice := seen[c.Number]; twice {
			s.fail(key, fmt.Sprintf("%s is common_numbers[%d] already", c.Number, first), "take one out")
		}
		seen[c.Number] = i
		if unique, used := k.numbers[string(c.Number)]; used {
			s.fail(key, fmt.Sprintf("%s is the unique number of %s (%s:%d)", c.Number, unique.who, unique.file, unique.line),
				"write the number that callers know")
		}
	}
}

// rules checks what becomes call.Rules.
func (k *provisionCheck) rules(s *source, at string, t TenantSpec) {
	forward := func(key string, named *string, otherwise string) bool {
		is := or(named, otherwise) == string(call.OverflowForward)
		if is && t.ForwardTo == nil {
			s.fail(at+"."+key, "forward needs to know where to", "write forward_to: as well")
		}
		return is
	}
	overflow, nobody := forward("overflow", t.Overflow, k.c.Queue.Overflow), forward("no_agent", t.NoAgent, k.c.Queue.NoAgent)
	if !overflow && !nobody && t.ForwardTo != nil {
		s.fail(at+".forward_to", "has no effect unless overflow is forward", "write overflow: forward, or take the line out")
	}
	k.mayForward(s, at+".forward_to", t, t.ForwardTo)
	if t.WarnAt != nil {
		plan, known := k.c.Plan(k.c.planOf(t))
		if limit := time.Duration(plan.Included); known && time.Duration(*t.WarnAt) > limit {
			s.fail(at+".warn_at", fmt.Sprintf("%s is after the %s that plan %s includes", *t.WarnAt, plan.Included, plan.ID),
				fmt.Sprintf("write at most %s", tariff.Duration(limit)))
		}
	}
}

func (c *Config) planOf(t TenantSpec) string {
	if t.Plan != nil {
		return *t.Plan
	}
	return c.DefaultPlan
}

// mayForward checks a number that a key of the tenant sends calls to.
func (k *provisionCheck) mayForward(s *source, key string, t TenantSpec, dial *Dial) {
	to := string(or(dial, ""))
	if to == "" || directory.IsExtension(to) || t.Number == nil || *t.Number == "" {
		return
	}
	if _, ours := k.numbers[to]; ours {
		s.fail(key, to+" leads back to this service", "write a number of the tenant")
		return
	}
	var prefixes []string
	for _, p := range or(t.Prefixes, nil) {
		prefixes = append(prefixes, string(p))
	}
	switch err := directory.Allowed(to, string(*t.Number), prefixes); {
	case errors.Is(err, directory.ErrPremium):
		s.fail(key, to+" is a premium-rate number", "write another, or name its series under prefixes")
	case err != nil:
		s.fail(key, to+" may not be called for this tenant", "write a number of its country, or list its prefix under prefixes")
	}
}

func (k *provisionCheck) agent(s *source, at string, a AgentSpec) {
	who := "agent " + string(a.ID)
	if a.Extension != nil && *a.Extension != "" {
		name := string(*a.Extension)
		if k.phone.claim(s, at+".extension", name, who, "write another extension") && name != string(a.ID) {
			if other, used := k.ids[name]; used {
				s.fail(at+".extension", fmt.Sprintf("%q is the id of %s (%s:%d)", name, other.who, other.file, other.line),
					"write another extension")
			}
		}
	}
	if a.TrunkExtension != nil {
		k.behindTrunk(s, at, a)
	}
	for i, g := range or(a.Groups, nil) {
		k.group(s, fmt.Sprintf("%s.groups[%d]", at, i), g)
	}
	tenants, key := a.tenants(), at+".tenants"
	if a.Tenant != nil {
		key = at + ".tenant"
		if a.Tenants != nil {
			s.fail(key, "both tenant and tenants are given", "take one out")
		}
	}
	for i, id := range tenants {
		entry := key
		if a.Tenant == nil {
			entry = fmt.Sprintf("%s[%d]", key, i)
		}
		if _, known := k.tenants[string(id)]; id != "" && !known {
			var names []string
			for name := range k.tenants {
				names = append(names, name)
			}
			slices.Sort(names)
			fix := "write the id of a tenant"
			if near := closest(string(id), names); near != "" {
				fix = fmt.Sprintf("did you mean %s?", near)
			}
			s.fail(entry, fmt.Sprintf("there is no tenant %q", id), fix)
		}
	}
	if a.Kind != nil && call.AgentKind(*a.Kind) == call.Own && len(tenants) != 1 {
		s.fail(at+".kind", "a tenant's own receptionist answers for exactly one tenant", "write tenant: with its id")
	}
}

// tenants lists whom the agent answers for; empty means all.
func (a AgentSpec) tenants() []ID {
	switch {
	case a.Tenant != nil:
		return []ID{*a.Tenant}
	case a.Tenants != nil:
		return *a.Tenants
	}
	return nil
}
