package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"telefonist/call"
	"telefonist/directory"
)

// checkCodes reports codes of which one is the beginning of another: what is dialled must tell which is meant, also where
// digits follow.
func (c *Config) checkCodes() {
	v := reflect.ValueOf(c.Codes)
	names := fields(v.Type())
	for i, f := range names {
		code := v.FieldByIndex(f.index).String()
		for _, earlier := range names[:i] {
			other := v.FieldByIndex(earlier.index).String()
			if code == "" || other == "" || c.failed("codes."+f.name) || !strings.HasPrefix(code, other) && !strings.HasPrefix(other, code) {
				continue
			}
			c.src.fail("codes."+f.name, fmt.Sprintf("%s cannot be told from %s, which is codes.%s", code, other, earlier.name),
				"write a code that does not begin like another, or \"\" for none")
		}
	}
}

func (c *Config) checkGroups() {
	for _, id := range slices.Sorted(maps.Keys(c.Groups)) {
		if len(id) > 64 {
			c.src.fail("groups."+id, "the id is longer than 64 characters", "write a shorter one")
		}
		if c.Groups[id] == "" {
			c.src.fail("groups."+id, "has no name", "write what people read, as "+id+": Kundtjänst")
		}
	}
}

// checkQueueKeys reports keys of all tenants that lead to a number, which only a tenant has.
func (c *Config) checkQueueKeys() {
	for key, what := range c.Queue.Keys {
		if what.Do == call.KeyForward {
			c.src.fail("queue.keys."+string(key), "forward is for one tenant", "write it under keys of the tenant")
		}
	}
}

// group reports a group that there is not.
func (k *provisionCheck) group(s *source, at string, id ID) {
	if _, known := k.c.Groups[string(id)]; known || id == "" {
		return
	}
	fix := "write its name under groups in the main configuration, as groups: {" + string(id) + ": Kundtjänst}"
	if near := closest(string(id), slices.Sorted(maps.Keys(k.c.Groups))); near != "" {
		fix = fmt.Sprintf("did you mean %s?", near)
	}
	s.fail(at, fmt.Sprintf("there is no group %q", id), fix)
}

// serving checks what a tenant and its common numbers say about when the service answers.
func (k *provisionCheck) serving(s *source, at string, t TenantSpec) {
	own := t.ServingSpec
	k.servingOf(s, at, t, own, own)
	for i, n := range or(t.CommonNumbers, nil) {
		if said := n.ServingSpec; said != (ServingSpec{}) {
			k.servingOf(s, fmt.Sprintf("%s.common_numbers[%d]", at, i), t, said, overlay(said, own))
		}
	}
}

// servingOf checks what is said at a place; whole is that with what it inherits.
func (k *provisionCheck) servingOf(s *source, at string, t TenantSpec, said, whole ServingSpec) {
	mode := directory.Mode(or(whole.Service, string(directory.ModeAlways)))
	k.mode(s, at, t, mode, said, whole)
	shut := or(whole.Closed, k.c.Queue.Closed)
	k.goesWith(s, at, "closed", shut == string(directory.ShutForward), said.Closed != nil, "closed_to", whole.ClosedTo != nil, said.ClosedTo != nil)
	if said.ClosedPrompt != nil && shut != string(directory.ShutPrompt) {
		s.fail(at+".closed_prompt", "has no effect unless closed is prompt", "write closed: prompt, or take the line out")
	}
	k.mayForward(s, at+".closed_to", t, said.ClosedTo)
	k.levels(s, at, or(said.Levels, nil))
	k.skills(s, at, or(said.Skills, nil))
}

// goesWith reports forward without a number, and a number without forward, where either is said.
func (k *provisionCheck) goesWith(s *source, at, key string, forward, said bool, toKey string, to, saidTo bool) {
	switch {
	case forward && !to && (said || saidTo):
		s.fail(at+"."+key, "forward needs to know where to", "write "+toKey+": as well")
	case !forward && saidTo:
		s.fail(at+"."+toKey, "has no effect unless "+key+" is forward", "write "+key+": forward, or take the line out")
	}
}

func (k *provisionCheck) mode(s *source, at string, t TenantSpec, mode directory.Mode, said, whole ServingSpec) {
	joins := mode == directory.ModeWithOwn || mode == directory.ModeOverflow
	for _, key := range []struct {
		name string
		said bool
	}{{"pool_after", said.PoolAfter != nil}, {"pool_when", said.PoolWhen != nil}} {
		if key.said && !joins {
			s.fail(at+"."+key.name, "has no effect unless service is with_own or overflow", "write service: with_own, or take the line out")
		}
	}
	if said.Service == nil {
		return
	}
	if mode == directory.ModeClosedHours && !or(whole.Hours, Hours{}).Known() {
		s.fail(at+".service", "closed_hours needs to know when the tenant is open", `write hours: {mon-fri: "08:00-17:00"} as well`)
	}
	if mode == directory.ModeAlways || k.own[t.ID] {
		return
	}
	const fix = "write an agent with kind: tenant and tenant: with its id, or service: always"
	if mode == directory.ModeClosedHours { // its PBX may well forward outside its hours only
		s.warn(at+".service", "the tenant has no receptionists of its own here, so the service answers at all hours", fix)
		return
	}
	s.fail(at+".service", string(mode)+" needs receptionists of the tenant's own", fix)
}

func (k *provisionCheck) levels(s *source, at string, levels []LevelSpec) {
	for i, l := range levels {
		entry := fmt.Sprintf("%s.levels[%d]", at, i)
		for j, g := range l.Groups {
			name := fmt.Sprintf("%s.groups[%d]", entry, j)
			if k.group(s, name, g); !k.members[g] {
				s.warn(name, fmt.Sprintf("no agent is in group %s", g), "write groups: ["+string(g)+"] for those who should be")
			}
		}
		switch {
		case i == 0 && l.After > 0:
			s.fail(entry+".after", "callers are offered to nobody at first", "write the first level without after")
		case i == 0 && l.When > 0:
			s.fail(entry+".when", "callers are offered to nobody at first", "write the first level without when")
		case i > 0 && l.After < levels[i-1].After:
			s.fail(entry+".after", "begins before the level above it", "write the levels in the order in which they begin")
		case i > 0 && l.After == 0 && l.When == 0:
			s.fail(entry, "begins at once, as the first level does", "write after: with a length of time, or add its groups to the level above")
		}
	}
}

// skills reports what no agent can.
func (k *provisionCheck) skills(s *source, at string, skills []Skill) {
	for i, skill := range skills {
		if k.can[skill] || skill == "" {
			continue
		}
		var names []string
		for _, name := range slices.Sorted(maps.Keys(k.can)) {
			names = append(names, string(name))
		}
		fix := "write it under skills of the agents who can"
		if near := closest(string(skill), names); near != "" {
			fix = fmt.Sprintf("did you mean %s?", near)
		}
		s.fail(fmt.Sprintf("%s.skills[%d]", at, i), fmt.Sprintf("no agent has the skill %q", skill), fix)
	}
}

// callers reports who is in both lists.
func (k *provisionCheck) callers(s *source, at string, t TenantSpec) {
	for i, c := range or(t.VIP, nil) {
		if c != "" && slices.Contains(or(t.Blocked, nil), c) {
			s.fail(fmt.Sprintf("%s.vip[%d]", at, i), fmt.Sprintf("%s is blocked as well", c), "take it out of one of the lists")
		}
	}
	if t.VIPPriority != nil && len(or(t.VIP, nil)) == 0 {
		s.fail(at+".vip_priority", "has no effect without callers in vip", "write vip: with their numbers, or take the line out")
	}
}

// limit checks what happens when a call takes too long, and the keys of waiting callers.
func (k *provisionCheck) limit(s *source, at string, t TenantSpec) {
	what := or(t.AtLimit, k.c.Queue.AtLimit)
	k.goesWith(s, at, "at_limit", what == string(call.LimitForward), t.AtLimit != nil, "limit_to", t.LimitTo != nil, t.LimitTo != nil)
	if t.LimitPrompt != nil && what != string(call.LimitEnd) && orDuration(t.HardCap, k.c.Queue.HardCap) == 0 {
		s.fail(at+".limit_prompt", "has no effect without a hard_cap unless at_limit is end", "write at_limit: end or a hard_cap, or take the line out")
	}
	k.mayForward(s, at+".limit_to", t, t.LimitTo)
	keys := or(t.Keys, nil)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if what := keys[key]; what.Do == call.KeyForward {
			to := Dial(what.To)
			k.mayForward(s, at+".keys."+string(key), t, &to)
		}
	}
}

// behindTrunk checks a tenant's own receptionist who is reached by its trunk.
func (k *provisionCheck) behindTrunk(s *source, at string, a AgentSpec) {
	key := at + ".trunk_extension"
	if a.Extension != nil {
		s.fail(key, "both extension and trunk_extension are given", "take one out: extension is for a phone that registers here")
	}
	if call.AgentKind(or(a.Kind, string(call.Service))) != call.Own {
		s.fail(key, "is for a tenant's own receptionists", "write kind: tenant and tenant: as well")
	}
	if a.Codecs != nil || a.SRTP != nil {
		s.fail(key, "a phone behind the trunk has the trunk's codecs and srtp", "take codecs and srtp out")
	}
	if ids := a.tenants(); len(ids) == 1 {
		if t, known := k.specs[ids[0]]; known {
			k.mayForward(s, key, t, a.TrunkExtension)
		}
	}
}
