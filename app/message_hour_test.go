package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"telefonist/calendar"
	"telefonist/call"
	"telefonist/config"
	"telefonist/directory"
	"telefonist/message"
	"telefonist/queue"
	"telefonist/record"
	"telefonist/store"
	"telefonist/switchboard"
	"telefonist/tariff"
	"telefonist/web"
)

// quiet is a far side that does nothing.
type quiet struct{}

func (quiet) Do(call.SignalCommand) {}

type silent struct{}

func (silent) Do(call.MediaCommand) {}

// shaky is the store as switchboard and outbox see it: every n-th write fails.
type shaky struct {
	*store.Store
	every int64
	n     *atomic.Int64
}

var errDisk = errors.New("disk is full")

func (s shaky) fails() bool { return s.every > 0 && s.n.Add(1)%s.every == 0 }

func (s shaky) Commit(c record.Commit, done func(error)) {
	if s.fails() {
		go done(errDisk)
		return
	}
	s.Store.Commit(c, done)
}

func (s shaky) UpdateMessage(id string, change func(*record.Outgoing) error, done func(error)) {
	if s.fails() {
		go done(errDisk)
		return
	}
	s.Store.UpdateMessage(id, change, done)
}

// downGateway is down until an instant, and honours no keys: what comes twice arrives twice.
type downGateway struct {
	until time.Time
	mu    sync.Mutex
	took  []record.Outgoing
}

func (g *downGateway) Name() string { return "test" }

func (g *downGateway) Send(_ context.Context, o record.Outgoing) (string, error) {
	if time.Now().Before(g.until) {
		return "", &message.Failure{Code: "network", Gateway: true}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.took = append(g.took, o)
	return "gw-" + o.Key(), nil
}

// house is store, switchboard, outbox and API in virtual time.
type house struct {
	t     *testing.T
	dir   string
	every int64
	n     atomic.Int64
	gw    *downGateway

	store *store.Store
	board *switchboard.Board
	mux   *http.ServeMux
	stop  func()
}

func (h *house) open() {
	h.t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := store.Open(h.dir, store.Options{MaxDelay: -1, Logger: log})
	if err != nil {
		h.t.Fatal(err)
	}
	h.store = s
	if _, err := settle(h.t.Context(), s, log); err != nil {
		h.t.Fatal(err)
	}
	dir, err := directory.New([]directory.Tenant{{ID: "acme", Name: "Acme AB", Number: "+46850000001", Trunk: "pbx", Plan: tariff.DefaultPlan(),
		Rules: call.Rules{MaxWait: 24 * time.Hour, Overflow: call.OverflowPrompt, RingTimeout: 15 * time.Second}}}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	seen := shaky{s, h.every, &h.n}
	h.board = switchboard.New(switchboard.Config{Signals: quiet{}, Media: silent{}, Store: seen, Directory: dir, Limits: queue.Limits{Misses: 3, Again: time.Minute}})
	box, err := message.New(message.Config{Store: seen, Transports: map[record.Channel]message.Transport{record.SMS: h.gw}})
	if err != nil {
		h.t.Fatal(err)
	}
	cfg := &config.Config{Messages: config.Messages{SMS: config.SMSGateway{MaxSegments: 4}}}
	api := &web.V1{Store: s, Tenants: func() *directory.Directory { return dir }, Calendar: calendar.Calendar{Eves: true}, Tables: tables{},
		Live: func(context.Context, string) (string, string, bool) { return "", "", false }, Log: log, Metrics: web.NewV1Metrics(nil), Now: time.Now,
		Outbox: &messenger{store: s, board: func() *switchboard.Board { return h.board }, outbox: box, cfg: func() *config.Config { return cfg }}}
	h.mux = http.NewServeMux()
	api.RegisterLocal(h.mux)
	ctx, cancel := context.WithCancel(context.Background())
	var runs sync.WaitGroup
	runs.Go(func() { h.board.Run(ctx) })
	runs.Go(func() { box.Run(ctx) })
	h.stop = func() {
		cancel()
		runs.Wait()
		api.Close()
		if err := errors.Join(s.Check(context.Background()), s.Close()); err != nil {
			h.t.Error(err)
		}
	}
}

// arrive begins a call and gives its id, empty where the store could not take it.
func (h *house) arrive(leg call.LegID) call.ID {
	h.t.Helper()
	h.board.Post(leg, time.Now(), call.Arrived{Trunk: "pbx", Called: "+46850000001", Caller: call.Party{Number: "+46701740605"}, SIPCall: string(leg),
		Dialog: call.Dialog{CallID: string(leg)}})
	time.Sleep(10 * time.Millisecond)
	s, err := h.board.Snapshot(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, c := range s.Calls {
		if c.Last.Leg == leg || c.Last.Kind == call.KindQueued || c.Last.Kind == call.KindConnected {
			if r, err := h.board.Facts(h.t.Context(), c.ID); err == nil && !r.Received.Before(time.Now().Add(-time.Second)) {
				return c.ID
			}
		}
	}
	return ""
}

func (h *house) do(method, path, body, key string) (status int, answer string) {
	r := httptest.NewRequest(method, "/api/v1/tenants/acme"+path, strings.NewReader(body)).WithContext(h.t.Context())
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("If-Match", "*")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	h.mux.ServeHTTP(w, r)
	if w.Code == http.StatusServiceUnavailable && (w.Header().Get("Retry-After") != "2" || w.Header().Get("Content-Type") != "application/problem+json") {
		h.t.Errorf("503 with %v", w.Header())
	}
	return w.Code, w.Body.String()
}

// For an hour the gateway is down, writes fail now and then, calls come and go, clients ask twice, and the server is restarted: every message
// that a client was told of arrives once, in the order of its recipient.
func TestAGatewayThatIsDownForAnHourGetsEachMessageOfEachCallOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, every := range []int64{0, 5, 3} {
		t.Run(fmt.Sprintf("every %d-th write fails", every), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, uint64(every)))
				h := &house{t: t, dir: t.TempDir(), every: every, gw: &downGateway{until: time.Now().Add(time.Hour)}}
				h.open()
				defer func() { h.stop() }()
				if status, answer := h.do("PUT", "/message-rules/tenant", `{"addresses":["+4673"]}`, ""); status != 200 {
					t.Fatalf("%d %s", status, answer)
				}
				told := map[string]string{} // key: recipient
				var order []string
				for i := 0; time.Now().Before(h.gw.until.Add(-time.Minute)); i++ {
					leg := call.LegID(fmt.Sprint("in", i))
					id := h.arrive(leg)
					for n := range rnd.IntN(4) {
						if id == "" {
							break // refused for want of a store
						}
						if n == 2 {
							h.board.Post(leg, time.Now(), call.Ended{Cause: call.CauseBye})
						}
						key, to := fmt.Sprintf("%d-%d", i, n), fmt.Sprintf("+4673000000%d", rnd.IntN(4))
						body := fmt.Sprintf(`{"channel":"sms","to":{"address":%q},"fields":{"wish":%q}}`, to, key)
						for {
							status, answer := h.do("POST", "/calls/"+string(id)+"/messages", body, key)
							if status == 503 {
								time.Sleep(2 * time.Second)
								continue
							}
							if status != 201 && status != 200 {
								t.Fatalf("%s: %d %s", key, status, answer)
							}
							if _, twice := told[key]; twice {
								break
							}
							told[key] = to
							order = append(order, key)
							if rnd.IntN(2) == 0 {
								break
							}
						}
					}
					time.Sleep(time.Duration(rnd.IntN(180)) * time.Second)
					if i%9 == 8 {
						h.stop()
						h.open()
					}
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				h.arrived(told, order)
			})
		})
	}
}

// arrived compares what the gateway took with what clients were told.
func (h *house) arrived(told map[string]string, order []string) {
	h.t.Helper()
	if len(told) < 5 {
		h.t.Fatalf("only %d messages", len(told))
	}
	h.gw.mu.Lock()
	defer h.gw.mu.Unlock()
	took := map[string][]string{}
	for _, o := range h.gw.took {
		_, wish, _ := strings.Cut(o.Message.Text, "\nTel +46701740605\n")
		took[o.Message.To.Address] = append(took[o.Message.To.Address], wish)
	}
	for _, to := range []string{"+46730000000", "+46730000001", "+46730000002", "+46730000003"} {
		var want []string
		for _, key := range order {
			if told[key] == to {
				want = append(want, key)
			}
		}
		if !slices.Equal(took[to], want) {
			h.t.Errorf("to %s went\n%v, want\n%v", to, took[to], want)
		}
	}
	h.t.Logf("%d messages", len(told))
}
