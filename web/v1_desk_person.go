package web

import (
	"context"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/call"
	"telefonist/switchboard"
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
	if id != "" {
		agent = "" // the call is named
	}
	c, err := d.Live(ctx, id, agent)
	if err != nil {
		return "", deskError(err)
	}
	who := identity(ctx)
	a, known := s.Tenants().Agent(who.Agent)
	if !who.Supervises() && (!known || a.Disabled || !a.Serves(c.Tenant) && c.Agent != a.ID) {
		return "", deskError(fmt.Errorf("there is no live call %q: %w", c.ID, switchboard.ErrUnknown))
	}
	return c.Tenant, nil
}
