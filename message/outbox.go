package message

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"telefonist/record"
)

// Store is what the outbox needs of the store, which keeps the messages.
type Store interface {
	// PendingMessages gives messages that wait, in order: at most limit behind the place after, and the place to go on from.
	PendingMessages(after uint64, limit int) (list []record.Outgoing, last uint64, err error)
	// MessagesQueued gets a value when there are new ones.
	MessagesQueued() <-chan struct{}
	// UpdateMessage changes one durably, without blocking, and calls done once.
	UpdateMessage(id string, change func(*record.Outgoing) error, done func(error))
	// MessageOfGateway finds the message that a gateway calls so.
	MessageOfGateway(gateway, gatewayID string) (id string, err error)
	// PruneMessages deletes messages that have not waited since an instant.
	PruneMessages(ctx context.Context, before time.Time) (int, error)
}

// Config of an Outbox.
type Config struct {
	Store Store
	// Transports by channel. Messages of a channel without one stay in the store until there is one.
	Transports map[record.Channel]Transport
	Retry      Retry
	// Rate is how many messages a minute each tenant may send on each channel; a quarter of it at once. Zero: no limit.
	Rate int
	// Parallel is how many messages of a channel are handed over at once. Default 4.
	Parallel int
	// Timeout bounds one attempt. Default 30 s.
	Timeout time.Duration
	// OrderFor is how long a message that fails holds up later ones to its address. Default 10 min.
	OrderFor time.Duration
	// Keep is how long messages are kept once they wait no longer, counted from when that or a receipt came. Zero: for ever.
	Keep       time.Duration
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&c.Retry.First, 10*time.Second)
	set(&c.Retry.Max, 15*time.Minute)
	set(&c.Retry.GiveUp, 24*time.Hour)
	set(&c.Timeout, 30*time.Second)
	set(&c.OrderFor, 10*time.Minute)
	if c.Parallel <= 0 {
		c.Parallel = 4
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

const (
	// page is how many messages are read at once, maxLoaded how many are held in memory; the rest stays in the store for now.
	page, maxLoaded = 500, 50_000
	// storePause is the pause behind a failure of the store.
	storePause = time.Second
	// A gateway that is down is asked again after gatewayFirst, then ever later up to gatewayMax.
	gatewayFirst, gatewayMax = 2 * time.Second, time.Minute
	// maxAfter bounds how long a gateway may ask to be left alone.
	maxAfter = time.Hour
	// grace is how long attempts may go on when the outbox is stopped.
	grace = 5 * time.Second
	// pruneEvery is how often old messages are deleted.
	pruneEvery = time.Hour
)

// Outbox sends what the store has. New makes it, Run runs it.
type Outbox struct {
	cfg     Config                 // as it was made; what Reload changes is in now
	now     atomic.Pointer[Config] // as it is; what it points to is never changed
	changed chan struct{}          // holds a token when now has
	log     *slog.Logger
	metrics *metrics

	mu        sync.Mutex          // protects receivers; nothing waits while holding it
	receivers map[string]Receiver // by name, those of earlier configurations too: their receipts still come

	// Owned by Run.
	lanes   map[record.Channel]*gateway
	loaded  uint64 // the place up to which messages were read
	more    bool   // there may be some behind it
	retryAt time.Time
	results chan result
}

// gateway is a transport with what waits for it.
type gateway struct {
	channel   record.Channel
	transport Transport // nil: none is configured
	schedule  *schedule
	reloaded  int // counts its transports
	flying    int
	failures  int // in a row, of the gateway itself
	until     time.Time
}

// result is what became of an attempt.
type result struct {
	gateway  *gateway
	reloaded int // of the gateway when the attempt began
	item     *item
	failure  *Failure  // nil: taken, or gone
	gone     bool      // the message waits no longer
	due      time.Time // when to try again; meant where gone is false
	sent     bool
}

// New makes an outbox. Nothing is read or sent before Run.
func New(c Config) (*Outbox, error) {
	c = c.withDefaults()
	m, err := newMetrics(c.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics of messages: %w", err)
	}
	o := &Outbox{cfg: c, log: c.Logger, metrics: m, lanes: map[record.Channel]*gateway{}, more: true, changed: make(chan struct{}, 1),
		receivers: map[string]Receiver{}}
	o.now.Store(&c)
	o.receive(c.Transports)
	for _, ch := range channels {
		o.lanes[ch] = &gateway{channel: ch, transport: c.Transports[ch], schedule: newSchedule(c.Rate, c.OrderFor)}
	}
	o.results = make(chan result, len(channels)*c.Parallel)
	return o, nil
}

// Reload has messages sent by another configuration from now on: its transports, retry, rate, timeout and keep; the rest of it means
// nothing. Attempts under way end as they began. Receipts of earlier gateways are still taken.
func (o *Outbox) Reload(c Config) {
	next := o.cfg
	next.Transports, next.Retry, next.Rate, next.Timeout, next.Keep = c.Transports, c.Retry, c.Rate, c.Timeout, c.Keep
	next = next.withDefaults()
	o.receive(next.Transports)
	o.now.Store(&next)
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// receive takes receipts of transports, from now on.
func (o *Outbox) receive(all map[record.Channel]Transport) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, t := range all {
		if r, ok := t.(Receiver); ok {
			o.receivers[t.Name()] = r
		}
	}
}

func (o *Outbox) receiver(name string) Receiver {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.receivers[name]
}

// reload goes on with the configuration of the moment. Gateways begin without blame.
func (o *Outbox) reload(now time.Time) {
	c := o.now.Load()
	for ch, g := range o.lanes {
		g.transport, g.failures, g.until = c.Transports[ch], 0, time.Time{}
		g.reloaded++
		g.schedule.setRate(c.Rate, now)
		o.metrics.up.WithLabelValues(string(ch)).Set(1)
	}
	o.log.Info("messages: the configuration was reloaded")
}

// Run sends messages until ctx ends. Then it begins no more attempts, gives those under way a few seconds, and returns once
// what became of each is in the store, which must stay open until then.
func (o *Outbox) Run(ctx context.Context) {
	attempts, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	pruned := make(chan struct{}, 1)
	pruned <- struct{}{}
	for {
		now := time.Now()
		o.load(now)
		o.launch(attempts, now)
		timer.Reset(o.pause(now))
		select {
		case <-ctx.Done():
			o.drain(cancel)
			<-pruned
			return
		case <-o.cfg.Store.MessagesQueued():
			o.more = true
		case <-o.changed:
			o.reload(time.Now())
		case r := <-o.results:
			o.settle(r)
		case <-timer.C:
		case <-prune.C:
			select {
			case <-pruned:
				go o.prune(ctx, pruned)
			default: // still at it
			}
		}
	}
}

func (o *Outbox) prune(ctx context.Context, done chan<- struct{}) {
	defer func() { done <- struct{}{} }()
	keep := o.now.Load().Keep
	if keep <= 0 {
		return
	}
	if n, err := o.cfg.Store.PruneMessages(ctx, time.Now().Add(-keep)); err != nil && ctx.Err() == nil {
		o.log.Error("messages: old ones were not deleted", "error", err)
	} else if n > 0 {
		o.log.Info("messages: old ones deleted", "count", n)
	}
}

// load reads what is new in the store.
func (o *Outbox) load(now time.Time) {
	if now.Before(o.retryAt) {
		return
	}
	for o.more && o.held() < maxLoaded {
		list, last, err := o.cfg.Store.PendingMessages(o.loaded, page)
		if err != nil {
			o.log.Error("messages: some could not be read", "error", err)
		}
		for i := range list {
			o.take(&list[i])
		}
		if last == o.loaded {
			if o.more = err != nil; o.more {
				o.retryAt = now.Add(storePause)
			}
			break
		}
		o.loaded = last
	}
	o.count()
}

func (o *Outbox) take(m *record.Outgoing) {
	g := o.lanes[m.Message.Channel]
	if g == nil {
		return
	}
	it := &item{id: m.Message.ID, tenant: m.Message.Tenant, address: m.Message.To.Address, seq: m.Seq, due: m.Due}
	if g.schedule.add(it) && g.transport == nil && g.schedule.len() == 1 {
		o.log.Warn("messages: no gateway is configured, so they wait", "channel", g.channel)
	}
}

func (o *Outbox) held() (n int) {
	for _, g := range o.lanes {
		n += g.schedule.len()
	}
	return n
}

func (o *Outbox) count() {
	for ch, g := range o.lanes {
		o.metrics.waiting.WithLabelValues(string(ch)).Set(float64(g.schedule.len()))
	}
}

// room is how many attempts a gateway may have at once: one while it is in doubt.
func (o *Outbox) room(g *gateway) int {
	if g.failures > 0 {
		return 1
	}
	return o.cfg.Parallel
}

func (o *Outbox) launch(ctx context.Context, now time.Time) {
	for _, g := range o.lanes {
		for g.transport != nil && g.flying < o.room(g) && !now.Before(g.until) {
			it := g.schedule.next(now)
			if it == nil {
				break
			}
			g.flying++
			transport, r := g.transport, result{gateway: g, reloaded: g.reloaded, item: it}
			go func() { o.results <- o.attempt(ctx, transport, r) }()
		}
	}
}

// pause is how long nothing happens by itself.
func (o *Outbox) pause(now time.Time) time.Duration {
	d := time.Hour
	if o.more && o.held() < maxLoaded {
		d = max(0, o.retryAt.Sub(now))
	}
	for _, g := range o.lanes {
		if g.transport == nil || g.flying >= o.room(g) {
			continue // a result wakes us
		}
		if at, waits := g.schedule.wakes(now); waits {
			if g.until.After(at) {
				at = g.until
			}
			d = min(d, max(0, at.Sub(now)))
		}
	}
	return d
}

// settle takes what became of an attempt.
func (o *Outbox) settle(r result) {
	g, now := r.gateway, time.Now()
	g.flying--
	switch f := r.failure; {
	case r.reloaded != g.reloaded: // it tells of a gateway that is no longer asked
	case f == nil && r.sent, f != nil && !f.Gateway:
		if g.failures > 0 {
			o.log.Info("messages: the gateway answers again", "channel", g.channel)
		}
		g.failures, g.until = 0, time.Time{}
		o.metrics.up.WithLabelValues(string(g.channel)).Set(1)
	case f != nil && !now.Before(g.until): // others that failed with it say nothing new
		g.failures++
		d := backOff(gatewayFirst, gatewayMax, g.failures, rand.Float64())
		g.until = now.Add(max(d, min(f.After, maxAfter)))
		o.metrics.up.WithLabelValues(string(g.channel)).Set(0)
		o.log.Warn("messages: the gateway cannot be used", "channel", g.channel, "code", f.Code, "failures", g.failures,
			"again_in", g.until.Sub(now).Round(time.Second))
	}
	if r.gone {
		g.schedule.finished(r.item)
	} else {
		g.schedule.postponed(r.item, now, r.due, r.failure != nil && !r.failure.Gateway)
	}
	o.count()
}

// drain waits for the attempts under way.
func (o *Outbox) drain(cancel context.CancelFunc) {
	limit := time.AfterFunc(grace, cancel)
	defer limit.Stop()
	for _, g := range o.lanes {
		for g.flying > 0 {
			r := <-o.results
			r.gateway.flying--
		}
	}
}
