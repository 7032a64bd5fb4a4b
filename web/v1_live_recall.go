package web

import (
	"encoding/json"
	"slices"

	"telefonist/account"
	"telefonist/directory"
	"telefonist/switchboard"
)

// reachable says of who was called for a caller who came back what may be said of her just now: to the receptionist who has the call, as
// far as she may read the directory. The answer is nil where nothing is known.
func (s *v1) reachable(who account.Identity, c *LiveInfo, agents []switchboard.AgentInfo) *switchboard.RecallTarget {
	its := slices.ContainsFunc(c.Allowed, func(a switchboard.Allowed) bool { return a.Agent != "" && a.Agent == who.Agent })
	switch r := c.Recall; {
	case !its:
		return nil
	case r.Agent != "":
		return s.colleague(r.Agent, agents)
	case r.Number == "" || !s.answersFor(who, c.Tenant) || !who.AtWork(c.Tenant).May(c.Tenant, account.ReadDirectory):
		return nil
	default:
		t, err := s.personAt(c.Tenant, r.Number)
		if err != nil && !isNotFound(err) { // deleted in between
			s.Log.Warn("api: who was called could not be looked up", "call", c.ID, "tenant", c.Tenant, "err", err)
		}
		return t
	}
}

// colleague is another receptionist.
func (s *v1) colleague(id string, agents []switchboard.AgentInfo) *switchboard.RecallTarget {
	a, known := s.Tenants().Agent(id)
	i := slices.IndexFunc(agents, func(a switchboard.AgentInfo) bool { return a.ID == id })
	if !known || i < 0 {
		return nil
	}
	return &switchboard.RecallTarget{Name: a.Name, State: agents[i].State}
}

// personAt is the one person of a tenant's whose number it is, nil where there are none, or several.
func (s *v1) personAt(tenant, number string) (*switchboard.RecallTarget, error) {
	ids, err := s.Store.FindPeople(tenant, directory.NumberKey(number))
	if err != nil || len(ids) != 1 {
		return nil, err
	}
	it, err := s.Store.Item(tenant, directory.KindPerson, ids[0])
	if err != nil {
		return nil, err
	}
	var p directory.Person
	if err := json.Unmarshal(it.Doc, &p); err != nil {
		return nil, err
	}
	presence, err := s.presence(tenant, ids[0])
	if err != nil {
		return nil, err
	}
	return &switchboard.RecallTarget{Person: ids[0], Name: p.Name(), Presence: &presence}, nil
}
