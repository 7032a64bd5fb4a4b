package switchboard

import (
	"slices"
	"strings"
	"time"

	"telefonist/call"
	"telefonist/directory"
)

// What an order names that is no number: a beginning and a name behind a colon, or a word.
const (
	toAgent      = "agent"
	toGroup      = "group"
	toCommon     = "common"
	toSupervisor = "supervisor"
)

// nobodyFree is the status of a target of whom nobody can be had just now (RFC 3261 section 21.4.18).
const nobodyFree = 480

// aim is where a call is to lead: a destination, or why not, by SIP status and reason.
type aim struct {
	to     call.Destination
	code   int
	reason string
}

// actTarget is where an order leads: to a colleague, a group, the supervisors, a common number by its name, or what would be
// dialled.
func (b *Board) actTarget(l *live, o Order, now time.Time) (call.Destination, int, string) {
	speaks := o.Do == call.ActAnnounce
	kind, name, _ := strings.Cut(o.To, ":")
	var a aim
	switch {
	case o.To == toSupervisor:
		a = b.supervisor(l, now)
	case kind == toAgent && name != "":
		a = b.colleague(l, name)
	case kind == toGroup && name != "":
		a = b.group(l, name, speaks, now)
	case kind == toCommon && name != "":
		a = b.common(l, name)
	default:
		return target(l, o.To)
	}
	return a.to, a.code, a.reason
}

// dialledTarget is where a string leads that the call's receptionist dialled: by a code to a colleague, a group or the supervisors,
// else to the tenant's extension or a number. speaks is set where she wants to speak to whom she calls.
func (b *Board) dialledTarget(l *live, dialled string, speaks bool, now time.Time) (call.Destination, int, string) {
	code, rest, is := b.cfg.Codes.parse(dialled)
	var a aim
	switch {
	case is && code == CodeSupervisor && rest == "":
		a = b.supervisor(l, now)
	case is && code == CodeColleague:
		a = aim{call.Destination{Number: dialled}, 404, "No such agent"}
		if who, known := b.dir.AgentByPhone(rest); known {
			a = b.colleague(l, who.ID)
		}
	case is && code == CodeGroup:
		a = aim{call.Destination{Number: dialled}, 404, "No such group"}
		if name, known := b.spelt(rest); known {
			a = b.group(l, name, speaks, now)
		}
	default:
		return target(l, dialled)
	}
	return a.to, a.code, a.reason
}

func (b *Board) colleague(l *live, id string) aim {
	to := call.Destination{Agent: id}
	switch a, known := b.dir.Agent(id); {
	case !known || a.Disabled:
		return aim{to, 404, "No such agent"}
	case foreign(a, l.tenant):
		return aim{to, 403, "Another company's receptionist"}
	}
	return aim{to: to}
}

// foreign tells whether an agent can have no call of a tenant's, not even by name: she is another company's own.
func foreign(a directory.Agent, tenant string) bool { return a.Kind == call.Own && !a.Serves(tenant) }

// group is a group that the caller waits for; or, for who wants to speak to somebody of it first, whoever has been free longest.
func (b *Board) group(l *live, name string, speaks bool, now time.Time) aim {
	in := func(a directory.Agent) bool { return slices.Contains(a.Groups, name) }
	to := call.Destination{Group: name}
	switch {
	case !slices.ContainsFunc(b.dir.Agents(), func(a directory.Agent) bool { return !a.Disabled && in(a) }):
		return aim{to, 404, "No such group"}
	case speaks:
		return b.oneOf(l, in, to, "Nobody of the group is free", now)
	case !slices.ContainsFunc(b.dir.Agents(), func(a directory.Agent) bool {
		return in(a) && !a.Supervisor && a.Serves(l.tenant) && b.queue.Present(a.ID)
	}):
		return aim{to, nobodyFree, "Nobody of the group is logged in"}
	}
	return aim{to: to}
}

func (b *Board) supervisor(l *live, now time.Time) aim {
	return b.oneOf(l, func(a directory.Agent) bool { return a.Supervisor }, call.Destination{Agent: toSupervisor}, "No supervisor is free", now)
}

// oneOf is who has been free longest of those who are meant and may have the call, but its own receptionist.
func (b *Board) oneOf(l *live, meant func(directory.Agent) bool, to call.Destination, reason string, now time.Time) aim {
	var since time.Time
	found := aim{to, nobodyFree, reason}
	for _, a := range b.dir.Agents() {
		if a.Disabled || a.ID == l.call.Agent() || !meant(a) || foreign(a, l.tenant) {
			continue
		}
		if at, free := b.queue.FreeSince(a.ID, now); free && (found.code != 0 || at.Before(since)) {
			since, found = at, aim{to: call.Destination{Agent: a.ID}}
		}
	}
	return found
}

// common is one of the tenant's common numbers, by its name.
func (b *Board) common(l *live, name string) aim {
	t, _ := l.dir.Tenant(l.tenant)
	for _, n := range t.Common {
		if strings.EqualFold(n.Name, name) {
			to, code, reason := target(l, n.Number)
			return aim{to, code, reason}
		}
	}
	return aim{call.Destination{Number: name}, 404, "No such common number"}
}

// spelt finds the group whose id is spelt by the keys of a telephone (ITU-T E.161): norr is 6677. It must be the only one.
func (b *Board) spelt(keys string) (name string, ok bool) {
	for _, a := range b.dir.Agents() {
		for _, g := range a.Groups {
			switch {
			case a.Disabled || g == name:
			case g == keys:
				return g, true
			case keypad(g) != keys:
			case ok:
				return "", false
			default:
				name, ok = g, true
			}
		}
	}
	return name, ok
}

// keypad spells a word by the keys of a telephone; what is on none is left out.
func keypad(word string) string {
	const letters, keys = "abcdefghijklmnopqrstuvwxyz0123456789", "222333444555666777788899990123456789"
	return strings.Map(func(r rune) rune {
		if i := strings.IndexRune(letters, r); i >= 0 {
			return rune(keys[i])
		}
		return -1
	}, strings.ToLower(word))
}
