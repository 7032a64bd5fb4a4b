package registrar

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// Store keeps bindings across restarts. Both methods are called in the order of
// what happened and must only queue: they are called with the registrar busy.
type Store interface {
	SaveBinding(b Binding)
	DeleteBinding(b Binding)
}

// Config configures a Registrar. Zero values mean the default named at each field.
type Config struct {
	Realm       string      // of the challenges (default "telefonist"); changing it makes phones register anew
	Credentials Credentials // who may register
	// Algorithms are offered in this order; a phone takes the first that it
	// knows (RFC 8760 2.4). Some only ever look at the first challenge, and know MD5
	// only: those want MD5 first, or alone. Default: SHA-256, MD5. Others
	// are ignored.
	Algorithms []string
	Store      Store // nil keeps nothing
	// OnChange is told when an agent goes from no contact to some or back, by
	// REGISTER, expiry or Restore, in order. It may call Contacts, and nothing
	// that changes the registrar.
	OnChange func(agentID string, registered bool, at time.Time)

	Secret   []byte        // signs nonces; default: random, so that a restart makes phones' nonces stale
	NonceTTL time.Duration // how long a nonce may be used (default 5 min)

	MinExpires     time.Duration // shorter wishes get 423 (default 60 s)
	MaxExpires     time.Duration // longer wishes are cut (default 1 h)
	DefaultExpires time.Duration // without a wish (default 1 h)
	MaxContacts    int           // of one agent; the oldest give way (default 10)

	UserFailures int           // wrong passwords that lock a user name (default 10)
	AddrFailures int           // wrong passwords that lock an IP address (default 20)
	FailureLeak  time.Duration // time after which one failure is forgotten (default 30 s)

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

func (c Config) withDefaults() Config {
	if c.Realm == "" {
		c.Realm = "telefonist"
	}
	c.Algorithms = slices.DeleteFunc(slices.Clone(c.Algorithms), func(a string) bool { return a != "MD5" && a != "SHA-256" })
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{"SHA-256", "MD5"}
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&c.NonceTTL, 5 * time.Minute}, {&c.MinExpires, time.Minute}, {&c.MaxExpires, time.Hour},
		{&c.DefaultExpires, time.Hour}, {&c.FailureLeak, 30 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	for _, d := range []struct {
		v   *int
		def int
	}{{&c.MaxContacts, 10}, {&c.UserFailures, 10}, {&c.AddrFailures, 20}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	return c
}

// Registrar authenticates agents and keeps their bindings. It is safe for
// concurrent use.
type Registrar struct {
	cfg      Config
	m        *metrics
	logLimit *rate.Limiter // of refused authentications
	wake     chan struct{} // tells Run that the next expiry may have moved

	telling sync.Mutex // held over a change and the callbacks it causes, before mu

	mu    sync.Mutex // protects what follows; never held during a callback
	auth  *auth
	table *table
}

// New returns an empty registrar. The realm must not contain a quote or a backslash.
func New(cfg Config) *Registrar {
	cfg = cfg.withDefaults()
	return &Registrar{
		cfg: cfg, m: newMetrics(cfg.Registerer), auth: newAuth(cfg), wake: make(chan struct{}, 1), logLimit: rate.NewLimiter(1, 20),
		table: newTable(cfg.MaxContacts),
	}
}

// Authenticate judges a request that src sent at now. REGISTER is judged by its
// Authorization, and challenged with 401; all others by Proxy-Authorization, with
// 407. From (and To of a REGISTER) must be the authenticated agent's: another
// name of the same agent will do, a foreign one is ResultForbidden. ACK and CANCEL
// cannot be challenged and must not be given.
func (r *Registrar) Authenticate(req *sip.Request, src netip.AddrPort, now time.Time) Decision {
	name := "Proxy-Authorization"
	if req.Method == sip.REGISTER {
		name = "Authorization"
	}
	var values []string
	for _, h := range req.GetHeaders(name) {
		values = append(values, h.Value())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.auth.check(string(req.Method), req.Recipient.String(), values, src.Addr(), now)
	if d.OK() && !r.owns(req, d.AgentID) {
		d = Decision{Result: ResultForbidden}
	}
	r.m.auth.WithLabelValues(string(d.Result)).Inc()
	if suspicious := d.Result == ResultFailed || d.Result == ResultLocked || d.Result == ResultForbidden; suspicious && r.logLimit.AllowN(now, 1) {
		r.cfg.Logger.Warn("SIP authentication refused", "method", string(req.Method), "result", string(d.Result),
			"user", maskUser(req.From().Address.User), "peer", src)
	}
	return r.auth.challenge(d, req.Method, src.Addr(), now)
}

// owns reports whether the request speaks for the agent it is authenticated as.
func (r *Registrar) owns(req *sip.Request, agentID string) bool {
	users := []string{req.From().Address.User}
	if req.Method == sip.REGISTER {
		users = append(users, req.To().Address.User)
	}
	for _, user := range users {
		if id, _, ok := r.cfg.Credentials.Lookup(user); !ok || id != agentID {
			return false
		}
	}
	return true
}

// Contacts returns where an agent can be reached at now, the preferred first.
func (r *Registrar) Contacts(agentID string, now time.Time) []Binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.table.contacts(agentID, now)
}

// Known reports whether a phone is registered from exactly src (flow), and
// whether one is from its IP address by any port (host): a source that is no
// stranger to the wire.
func (r *Registrar) Known(src netip.AddrPort) (flow, host bool) {
	src = unmapped(src)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.table.flows[src] > 0, r.table.sources[src.Addr()] > 0
}

// Restore puts back the bindings that a store kept. Those that have run out by
// now are deleted from the store, and an agent who has no other is told of as gone.
func (r *Registrar) Restore(list []Binding, now time.Time) {
	r.change(func() []event {
		var events []event
		for _, b := range list {
			if !b.Expires.After(now) {
				events = append(events, event{deleted: &b, agent: b.Agent, at: now})
				continue
			}
			old := r.table.agents[b.Agent]
			events = append(events, r.table.replace(b.Agent, old, append(old[:len(old):len(old)], b), now)...)
		}
		for _, e := range events {
			if e.deleted != nil && len(r.table.agents[e.agent]) == 0 {
				events = append(events, event{agent: e.agent, changed: true, at: now})
			}
		}
		return events
	})
}

// Expire removes the bindings that have run out by now, and returns when the
// next one does (zero: none is left).
func (r *Registrar) Expire(now time.Time) (next time.Time) {
	r.change(func() []event {
		events := r.table.expire(now)
		next = r.table.next()
		return events
	})
	return next
}

// Forget removes an agent's bindings, when the agent is deleted or its password
// is changed.
func (r *Registrar) Forget(agentID string, now time.Time) {
	r.change(func() []event { return r.table.replace(agentID, r.table.agents[agentID], nil, now) })
}

// change runs f on the table and then tells store and owner what happened.
func (r *Registrar) change(f func() []event) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.mu.Lock()
	events := f()
	r.m.bindings.Set(float64(r.table.size))
	r.m.agents.Set(float64(len(r.table.agents)))
	r.mu.Unlock()
	if len(events) > 0 {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	for _, e := range events {
		r.tell(e)
	}
}

func (r *Registrar) tell(e event) {
	switch {
	case e.saved != nil && r.cfg.Store != nil:
		r.cfg.Store.SaveBinding(*e.saved)
	case e.deleted != nil && r.cfg.Store != nil:
		r.cfg.Store.DeleteBinding(*e.deleted)
	case e.changed:
		r.cfg.Logger.Info("agent's phones", "agent", e.agent, "registered", e.online)
		if r.cfg.OnChange != nil {
			r.cfg.OnChange(e.agent, e.online, e.at)
		}
	}
}

// Run removes bindings as they run out, until ctx ends.
func (r *Registrar) Run(ctx context.Context) {
	for {
		now := time.Now()
		wait := time.Hour
		if next := r.Expire(now); !next.IsZero() {
			wait = next.Sub(now)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		case <-r.wake:
			t.Stop()
		}
	}
}

// metrics of the registrar.
type metrics struct {
	auth      *prometheus.CounterVec
	registers *prometheus.CounterVec
	bindings  prometheus.Gauge
	agents    prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		auth: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telefonist_registrar_auth_total",
			Help: "Digest authentications by result.",
		}, []string{"result"}),
		registers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "telefonist_registrar_registers_total",
			Help: "Authenticated REGISTER requests by response code.",
		}, []string{"code"}),
		bindings: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "telefonist_registrar_bindings", Help: "Contacts registered.",
		}),
		agents: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "telefonist_registrar_agents", Help: "Agents with at least one contact.",
		}),
	}
	for _, result := range results {
		m.auth.WithLabelValues(string(result))
	}
	for _, code := range []string{"200", "400", "423", "500"} {
		m.registers.WithLabelValues(code)
	}
	reg.MustRegister(m.auth, m.registers, m.bindings, m.agents)
	return m
}

// maskUser keeps a log readable without naming the number of a phone.
func maskUser(user string) string {
	if len(user) <= 3 {
		return user
	}
	return strings.Repeat("*", len(user)-3) + user[len(user)-3:]
}
