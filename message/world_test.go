package message_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"telefonist/message"
	"telefonist/record"
	"telefonist/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sending is one attempt that reached the gateway.
type sending struct {
	key, to string
	at      time.Duration // since the test began
}

// gateway is the far side: what it says to an attempt is decided by answer.
type gateway struct {
	began  time.Time
	answer func(n int, o record.Outgoing) error // nil: everything is taken

	mu   sync.Mutex
	all  []sending
	took []sending // those that it answered nil
}

func (g *gateway) Name() string { return "test" }

func (g *gateway) Send(ctx context.Context, o record.Outgoing) (string, error) {
	s := sending{o.Key(), o.Message.To.Address, time.Since(g.began)}
	g.mu.Lock()
	n := len(g.all)
	g.all = append(g.all, s)
	g.mu.Unlock()
	if g.answer != nil {
		if err := g.answer(n, o); err != nil {
			return "", err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.took = append(g.took, s)
	return "gw-" + o.Key(), ctx.Err()
}

func (g *gateway) taken() []sending {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]sending(nil), g.took...)
}

func (g *gateway) attempts() []sending {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]sending(nil), g.all...)
}

// world is a store, a gateway and an outbox between them, in virtual time.
type world struct {
	t     *testing.T
	dir   string
	store *store.Store
	gw    *gateway
	cfg   message.Config
	box   *message.Outbox
	reg   *prometheus.Registry
	stop  func()
	wrap  func(message.Store) message.Store // what the outbox sees of the store; nil: the store
}

func inWorld(t *testing.T, cfg message.Config, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: t.TempDir(), gw: &gateway{began: time.Now()}, cfg: cfg}
		w.open()
		defer func() {
			w.halt()
			w.close()
		}()
		test(w)
	})
}

func (w *world) open() {
	w.t.Helper()
	// A commit is written at once, so that synctest.Wait returns when it is on disk.
	s, err := store.Open(w.dir, store.Options{MaxDelay: -1, Logger: w.logger()})
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = s
}

func (w *world) close() {
	w.t.Helper()
	if err := w.store.Check(context.Background()); err != nil {
		w.t.Error(err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// run starts the outbox; halt stops it.
func (w *world) run() {
	w.t.Helper()
	cfg := w.cfg
	w.reg = prometheus.NewRegistry()
	cfg.Store, cfg.Registerer, cfg.Logger = w.store, w.reg, w.logger()
	if w.wrap != nil {
		cfg.Store = w.wrap(w.store)
	}
	if cfg.Transports == nil {
		cfg.Transports = map[record.Channel]message.Transport{record.SMS: w.gw, record.Email: w.gw}
	}
	box, err := message.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.box = box
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		box.Run(ctx)
	}()
	w.stop = func() { cancel(); <-done }
}

func (w *world) halt() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

func sms(id, tenant, to string) record.Message {
	return record.Message{ID: id, Tenant: tenant, Call: "call-" + "1", Channel: record.SMS, To: record.Recipient{Kind: record.ToPerson, Address: to},
		Text: "hemlig text", Segments: 1, Created: time.Now()}
}

func number(n int) string { return fmt.Sprintf("+4670123%04d", n) }

func (w *world) queue(all ...record.Message) {
	w.t.Helper()
	for _, m := range all {
		done := make(chan error, 1)
		w.store.QueueMessage(m, func(err error) { done <- err })
		if err := <-done; err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) message(id string) record.Outgoing {
	w.t.Helper()
	o, err := w.store.Message(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// is fails unless the message is in a state.
func (w *world) is(id string, want record.MessageState) record.Outgoing {
	w.t.Helper()
	o := w.message(id)
	if o.State != want {
		w.t.Errorf("%v: message %s is %s, want %s (%s)", time.Since(w.gw.began), id, o.State, want, o.Code)
	}
	return o
}

func keys(all []sending) (list []string) {
	for _, s := range all {
		list = append(list, s.key)
	}
	return list
}
