package config

import (
	"time"

	"telefonist/call"
	"telefonist/directory"
)

// serving fills in what says when a tenant's calls are answered: its own, those of its common numbers, then the queue section.
func (c *Config) serving(t *directory.Tenant, spec TenantSpec) {
	own := spec.ServingSpec
	t.Serving = c.servingOf(own, spec)
	for _, n := range or(spec.CommonNumbers, nil) {
		if said := n.ServingSpec; said != (ServingSpec{}) {
			if t.ByNumber == nil {
				t.ByNumber = map[string]directory.Serving{}
			}
			t.ByNumber[string(n.Number)] = c.servingOf(overlay(said, own), spec)
		}
	}
	t.Callers = directory.Callers{VIP: callers(spec.VIP), Blocked: callers(spec.Blocked), Boost: or(spec.VIPPriority, c.Queue.VIPPriority)}
}

func (c *Config) servingOf(s ServingSpec, spec TenantSpec) directory.Serving {
	q := c.Queue
	out := directory.Serving{
		Mode:  directory.Mode(or(s.Service, string(directory.ModeAlways))),
		Hours: or(s.Hours, Hours{}).Hours, Pool: or(s.PoolHours, Hours{}).Hours,
		After: orDuration(s.PoolAfter, q.PoolAfter), When: or(s.PoolWhen, q.PoolWhen),
		Shut: directory.Shut(or(s.Closed, q.Closed)), Prompt: or(s.ClosedPrompt, q.ClosedPrompt), To: string(or(s.ClosedTo, "")),
		Serve: call.Serve{Strategy: call.Strategy(or(spec.Strategy, q.Strategy)), Share: or(spec.Share, 0)},
	}
	if out.Mode == directory.ModeOverflow && out.When == 0 {
		out.When = 1 // whoever waits could not be taken by the tenant's own receptionists
	}
	for _, l := range or(s.Levels, nil) {
		level := call.Level{After: time.Duration(l.After), When: l.When}
		for _, g := range l.Groups {
			level.Groups = append(level.Groups, string(g))
		}
		out.Serve.Levels = append(out.Serve.Levels, level)
	}
	for _, k := range or(s.Skills, nil) {
		out.Serve.Skills = append(out.Serve.Skills, string(k))
	}
	return out
}

func callers(list *[]Caller) (all []directory.Caller) {
	for _, c := range or(list, nil) {
		all = append(all, directory.Caller(c))
	}
	return all
}

// limits fills in what bounds a call, and what a waiting caller may press.
func (c *Config) limits(r *call.Rules, spec TenantSpec) {
	q := c.Queue
	if r.NoAgent = call.Overflow(or(spec.NoAgent, q.NoAgent)); r.NoAgent == noAgentWait {
		r.NoAgent = ""
	}
	r.OverflowClip = or(spec.OverflowPrompt, q.OverflowPrompt)
	r.KeepPlace = orDuration(spec.KeepPlace, q.KeepPlace)
	r.ParkRecall = orDuration(spec.ParkRecall, q.ParkRecall)
	r.AtLimit, r.LimitTo = call.AtLimit(or(spec.AtLimit, q.AtLimit)), string(or(spec.LimitTo, ""))
	r.LimitPrompt = or(spec.LimitPrompt, q.LimitPrompt)
	if r.HardCap = orDuration(spec.HardCap, q.HardCap); r.HardCap == 0 {
		r.HardCap = -1 // none
	}
	for key, what := range or(spec.Keys, q.Keys) {
		if r.Keys == nil {
			r.Keys = map[string]call.Key{}
		}
		r.Keys[string(key)] = call.Key{Do: what.Do, To: what.To}
	}
}

// noAgentWait is what no_agent says where the caller waits on.
const noAgentWait = "wait"
