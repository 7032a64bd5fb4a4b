package directory

import (
	"slices"
	"strings"
)

// Tenant returns the tenant with the id, disabled ones too: their records still need a name.
func (d *Directory) Tenant(id string) (Tenant, bool) {
	t, ok := d.tenants[id]
	if !ok {
		return Tenant{}, false
	}
	return *t, true
}

// Tenants returns all tenants by id, disabled ones too.
func (d *Directory) Tenants() []Tenant {
	all := make([]Tenant, 0, len(d.tenantIDs))
	for _, id := range d.tenantIDs {
		all = append(all, *d.tenants[id])
	}
	return all
}

// TenantByNumber returns the enabled tenant whose unique number it is, in any form that ParseNumber reads.
func (d *Directory) TenantByNumber(number string) (Tenant, bool) {
	if t := d.byNumber(number); t != nil {
		return *t, true
	}
	return Tenant{}, false
}

func (d *Directory) byNumber(s string) *Tenant {
	if t := d.numbers[s]; t != nil {
		return t
	}
	user, _, _ := strings.Cut(s, ";")
	if t := d.numbers["+"+user]; t != nil { // "4512345678": a known number without its plus, of whatever country
		return t
	}
	number, err := ParseNumber(s, Region)
	if err != nil {
		return nil
	}
	return d.numbers[number]
}

// Resolve finds whose call it is: called is the user part of the Request-URI, in any written form of a tenant's unique
// number. The common number is the first of the entrances (numbers that the caller may have dialled, best first) that is
// one of *that* tenant's common numbers; the zero value where none is.
func (d *Directory) Resolve(called string, entrances []string) (Tenant, CommonNumber, bool) {
	t := d.byNumber(called)
	if t == nil {
		return Tenant{}, CommonNumber{}, false
	}
	for _, entrance := range entrances {
		if i := t.common(entrance); i >= 0 {
			return *t, t.Common[i], true
		}
	}
	return *t, CommonNumber{}, true
}

// common finds an entrance among the tenant's common numbers, -1 where it is none of them.
func (t *Tenant) common(entrance string) int {
	is := func(number string) int {
		return slices.IndexFunc(t.Common, func(c CommonNumber) bool { return c.Number == number })
	}
	if i := is(entrance); i >= 0 { // E.164 already, as most PBXs write it
		return i
	}
	number, err := ParseNumber(entrance, regionOf(t.Number))
	if err != nil {
		return -1
	}
	return is(number)
}

// Display is what the agent's phone shows for a call: "Acme · Försäljning", without the common number just "Acme AB".
// The legal form is left out before a common number's name, since a phone's display is short.
func Display(t Tenant, common CommonNumber) string {
	if common.Name == "" {
		return t.Name
	}
	name := t.Name
	for _, form := range []string{" AB", " HB", " KB"} {
		if short, found := strings.CutSuffix(name, form); found && short != "" {
			name = short
			break
		}
	}
	return name + " · " + common.Name
}

// Agent returns the agent with the id, disabled ones too.
func (d *Directory) Agent(id string) (Agent, bool) {
	a, ok := d.agents[id]
	if !ok {
		return Agent{}, false
	}
	return *a, true
}

// Agents returns all agents by id, disabled ones too.
func (d *Directory) Agents() []Agent {
	all := make([]Agent, 0, len(d.agentIDs))
	for _, id := range d.agentIDs {
		all = append(all, *d.agents[id])
	}
	return all
}

// AgentByPhone returns the enabled agent whose softphone registers as user: her extension or her id.
func (d *Directory) AgentByPhone(user string) (Agent, bool) {
	a, ok := d.byPhone[user]
	if !ok {
		return Agent{}, false
	}
	return *a, true
}

// Credentials returns the agent's id and digest password for the user of an Authorization header: her extension or id.
func (d *Directory) Credentials(user string) (agent string, password Secret, ok bool) {
	a, ok := d.byPhone[user]
	if !ok || a.Password == "" {
		return "", "", false
	}
	return a.ID, a.Password, true
}
