package registrar

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"telefonist/sip/wire"
)

// Binding is one contact of an agent: a phone and how to reach it. It is plain
// data that can be kept as JSON.
type Binding struct {
	Agent     string         `json:"agent"`
	AOR       string         `json:"aor"`        // address of record, the To of the REGISTER
	Contact   string         `json:"contact"`    // URI as the phone gave it: the Request-URI of requests to it
	Received  netip.AddrPort `json:"received"`   // where the REGISTER came from: where requests are sent
	Transport string         `json:"transport"`  // "udp" or "tcp"
	LocalAddr netip.AddrPort `json:"local_addr"` // our socket that it came to
	Expires   time.Time      `json:"expires"`
	Updated   time.Time      `json:"updated"`
	CallID    string         `json:"call_id"`
	CSeq      uint32         `json:"cseq"`
	Q         float64        `json:"q"`                  // preference, 0 to 1, default 1
	Instance  string         `json:"instance,omitempty"` // +sip.instance and reg-id (RFC 5626), where the phone has one
	UserAgent string         `json:"user_agent,omitempty"`
}

// Dest is where requests to the phone are sent: back on the flow of its
// registration. A phone on TCP is never dialled.
func (b Binding) Dest() wire.Dest {
	return wire.Source{Network: b.Transport, Addr: b.Received, Local: b.LocalAddr}.Dest()
}

// update is a REGISTER's meaning: what to do to one agent's bindings.
type update struct {
	agent     string
	removeAll bool // Contact: *
	contacts  []change
	callID    string
	cseq      uint32
}

// change sets a binding, or removes it where expires is 0.
type change struct {
	binding Binding
	expires time.Duration
}

// table is all bindings by agent: the pure core of the registrar.
type table struct {
	max     int // contacts of one agent
	agents  map[string][]Binding
	size    int                    // bindings in all
	flows   map[netip.AddrPort]int // bindings by the address and port they came from
	sources map[netip.Addr]int     // bindings by the IP address they came from
}

func newTable(maxContacts int) *table {
	return &table{
		max: maxContacts, agents: make(map[string][]Binding),
		flows: make(map[netip.AddrPort]int), sources: make(map[netip.Addr]int),
	}
}

// account adds a binding to the sums, or takes it away.
func (t *table) account(b Binding, n int) {
	flow := unmapped(b.Received)
	t.size += n
	add(t.flows, flow, n)
	add(t.sources, flow.Addr(), n)
}

func add[K comparable](m map[K]int, key K, n int) {
	if m[key] += n; m[key] <= 0 {
		delete(m, key)
	}
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// event is what happened to an agent's bindings, in order.
type event struct {
	saved   *Binding
	deleted *Binding
	agent   string
	changed bool // from no contact to some, or back
	online  bool
	at      time.Time
}

// apply carries out an update whole or, where a binding was already set by a
// later REGISTER of the same Call-ID (RFC 3261 10.3 step 7), not at all.
func (t *table) apply(u update, now time.Time) (events []event, ok bool) {
	events = t.expireAgent(u.agent, now)
	old := t.agents[u.agent]
	if t.outOfOrder(u, old) {
		return events, false
	}
	next := slices.Clone(old)
	if u.removeAll {
		next = nil
	}
	for _, c := range u.contacts {
		next = slices.DeleteFunc(next, func(b Binding) bool { return samePhone(b, c.binding) })
		if c.expires > 0 {
			next = append(next, c.binding)
		}
	}
	if len(next) > t.max { // the longest untouched go first
		slices.SortStableFunc(next, func(a, b Binding) int { return a.Updated.Compare(b.Updated) })
		next = next[len(next)-t.max:]
	}
	return append(events, t.replace(u.agent, old, next, now)...), true
}

func (t *table) outOfOrder(u update, old []Binding) bool {
	for _, b := range old {
		touched := u.removeAll || slices.ContainsFunc(u.contacts, func(c change) bool { return samePhone(b, c.binding) })
		if touched && b.CallID == u.callID && u.cseq <= b.CSeq {
			return true
		}
	}
	return false
}

// replace stores an agent's new bindings and says what differs.
func (t *table) replace(agent string, old, next []Binding, now time.Time) []event {
	var events []event
	for _, b := range old {
		if !slices.ContainsFunc(next, func(n Binding) bool { return n.Contact == b.Contact }) {
			events = append(events, event{deleted: &b, agent: agent, at: now})
		}
	}
	for _, b := range next {
		if !slices.Contains(old, b) {
			events = append(events, event{saved: &b, agent: agent, at: now})
		}
	}
	for _, b := range old {
		t.account(b, -1)
	}
	for _, b := range next {
		t.account(b, 1)
	}
	t.agents[agent] = next
	if len(next) == 0 {
		delete(t.agents, agent)
	}
	if (len(old) == 0) != (len(next) == 0) {
		events = append(events, event{agent: agent, changed: true, online: len(next) > 0, at: now})
	}
	return events
}

// expire removes what has run out.
func (t *table) expire(now time.Time) []event {
	var events []event
	for agent := range t.agents {
		events = append(events, t.expireAgent(agent, now)...)
	}
	return events
}

func (t *table) expireAgent(agent string, now time.Time) []event {
	old := t.agents[agent]
	next := slices.DeleteFunc(slices.Clone(old), func(b Binding) bool { return !b.Expires.After(now) })
	if len(next) == len(old) {
		return nil
	}
	return t.replace(agent, old, next, now)
}

// next is when the first binding runs out; zero when there is none.
func (t *table) next() time.Time {
	var first time.Time
	for _, list := range t.agents {
		for _, b := range list {
			if first.IsZero() || b.Expires.Before(first) {
				first = b.Expires
			}
		}
	}
	return first
}

// contacts returns an agent's bindings that are in force, by preference, then
// the latest first (RFC 3261 16.6 step 1, 20.10).
func (t *table) contacts(agent string, now time.Time) []Binding {
	var live []Binding
	for _, b := range t.agents[agent] {
		if b.Expires.After(now) {
			live = append(live, b)
		}
	}
	slices.SortStableFunc(live, func(a, b Binding) int {
		return cmp.Or(cmp.Compare(b.Q, a.Q), b.Updated.Compare(a.Updated))
	})
	return live
}

// samePhone reports whether two bindings are of one phone: the same contact, or
// the same instance, which keeps its identity when its port changes.
func samePhone(a, b Binding) bool {
	return contactKey(a.Contact) == contactKey(b.Contact) || a.Instance != "" && a.Instance == b.Instance
}

// contactKey makes URIs comparable (RFC 3261 19.1.4): host and scheme without
// case, the rest with it.
func contactKey(uri string) string {
	scheme, rest, _ := strings.Cut(uri, ":")
	user, host := "", rest
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, host = rest[:at], rest[at:]
	}
	return strings.ToLower(scheme) + ":" + user + strings.ToLower(host)
}
