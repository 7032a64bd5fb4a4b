package web

import (
	"context"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/call"
)

// toPerson begins the id of a person in the tenant's directory, where a number is asked for.
const toPerson = "person:"

// reached is the number that a person is reached by: the first that her entry has, which is the one that she prefers. Anything else stays
// as it is.
func (s *v1) reached(tenant, to string) (string, error) {
	id, is := strings.CutPrefix(to, toPerson)
	if !is {
		return to, nil
	}
	p, _, found, err := s.personNow(tenant, id)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", huma.Error404NotFound("no such person", &huma.ErrorDetail{Location: "body.to", Message: "no such person", Value: to})
	case len(p.Numbers) == 0:
		return "", huma.Error422UnprocessableEntity("the person has no number", &huma.ErrorDetail{Location: "body.to", Message: "the person has no number", Value: to})
	}
	return p.Numbers[0].Number, nil
}

// tenantOf is the tenant of a live call that the identity may know of, or of the one that an agent has.
func (s *v1) tenantOf(ctx context.Context, d Desk, id call.ID, agent string) (string, error) {
	live, err := s.live(ctx, d)
	if err != nil {
		return "", err
	}
	for _, a := range live.Agents {
		if id == "" && a.ID == agent {
			id = a.Call
		}
	}
	for _, c := range live.Calls {
		if c.ID == id && id != "" {
			return c.Tenant, nil
		}
	}
	if id == "" {
		return "", huma.Error409Conflict("agent " + agent + " has no call")
	}
	return "", huma.Error404NotFound("there is no live call " + string(id))
}
