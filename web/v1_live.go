package web

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/call"
	"telefonist/directory"
	"telefonist/switchboard"
)

// live is what is going on, as far as the identity may know: all of it for who supervises.
func (s *v1) live(ctx context.Context, d Desk) (Live, error) {
	now, err := d.Snapshot(ctx)
	if err != nil {
		return now, deskError(err)
	}
	return s.shownTo(identity(ctx), now), nil
}

// shownTo is what an identity may know of what is going on, and what it could ask for.
func (s *v1) shownTo(who account.Identity, all Live) Live {
	out := all
	if who.Supervises() {
		out.Calls, out.Agents = slices.Clone(all.Calls), slices.Clone(all.Agents)
	} else {
		out = s.fenced(all, who)
	}
	for i := range out.Agents {
		a, _ := s.Tenants().Agent(out.Agents[i].ID)
		out.Agents[i].Name, out.Agents[i].Extension = a.Name, a.Extension
	}
	for i := range out.Calls {
		c := &out.Calls[i]
		c.May = c.MayBy(who.Agent, who.Supervises())
		if c.Recall != nil {
			told := *c.Recall
			told.Target = s.reachable(who, c, all.Agents)
			c.Recall = &told
		}
	}
	return out
}

// fenced leaves of what is going on what a receptionist needs: calls, lines, parked callers and wishes of the tenants that she answers for,
// the call that she has or parked, and notes to her. Of colleagues who answer for one of her tenants she sees the state, and no calls that are none of
// hers. The service's alarms are none of a tenant's own receptionist's.
func (s *v1) fenced(all Live, who account.Identity) Live {
	dir := s.Tenants()
	a, known := dir.Agent(who.Agent)
	if !known || a.Disabled {
		return Live{At: all.At, Calls: []LiveInfo{}, Queues: []switchboard.QueueInfo{}, Agents: []switchboard.AgentInfo{},
			Parked: []switchboard.ParkedInfo{}, Wishes: []LiveWish{}, Notes: []switchboard.Note{}, Alarms: []switchboard.Alarm{}}
	}
	out := all
	out.Waiting = 0
	seen := map[call.ID]bool{}
	out.Parked = only(all.Parked, func(p switchboard.ParkedInfo) bool {
		seen[p.Call] = a.Serves(p.Tenant) || p.Agent == a.ID
		return seen[p.Call]
	})
	out.Calls = only(all.Calls, func(c LiveInfo) bool {
		if seen[c.ID] = seen[c.ID] || a.Serves(c.Tenant) || c.Agent == a.ID; seen[c.ID] && c.Waiting {
			out.Waiting++
		}
		return seen[c.ID]
	})
	out.Queues = only(all.Queues, func(q switchboard.QueueInfo) bool { return a.Serves(q.Tenant) })
	out.Wishes = only(all.Wishes, func(w LiveWish) bool { return a.Serves(w.Tenant) })
	out.Agents = only(all.Agents, func(b switchboard.AgentInfo) bool {
		colleague, _ := dir.Agent(b.ID)
		return b.ID == a.ID || meet(a, colleague)
	})
	for i := range out.Agents {
		if one := &out.Agents[i]; one.ID != a.ID && !seen[one.Call] {
			one.Call = ""
		}
	}
	out.Notes = only(all.Notes, func(n switchboard.Note) bool { return len(n.Agents) == 0 || slices.Contains(n.Agents, a.ID) })
	for i := range out.Notes {
		if n := &out.Notes[i]; len(n.Agents) > 0 {
			n.Agents = []string{a.ID}
		}
	}
	if a.Kind == call.Own {
		out.Alarms, out.Stuck = []switchboard.Alarm{}, 0
	}
	return out
}

// meet tells whether there is a tenant that both answer for.
func meet(a, b directory.Agent) bool {
	switch {
	case len(a.Tenants) > 0:
		return slices.ContainsFunc(a.Tenants, b.Serves)
	case len(b.Tenants) > 0:
		return slices.ContainsFunc(b.Tenants, a.Serves)
	}
	return a.Kind == call.Service && b.Kind == call.Service
}

// only is a new list of what is kept.
func only[T any](all []T, keep func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return !keep(one) })
}

// mayCallFor refuses a tenant that an agent does not answer for like one that does not exist, before anything is looked up there. What is wrong
// with an agent that is none the switchboard tells.
func (s *v1) mayCallFor(agent, tenant string) error {
	if a, known := s.Tenants().Agent(agent); known && !a.Serves(tenant) {
		return huma.Error404NotFound("no such tenant", &huma.ErrorDetail{Location: "body.tenant", Message: "no such tenant", Value: tenant})
	}
	return nil
}
