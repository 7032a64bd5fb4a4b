package switchboard

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/store"
	"telefonist/tariff"
)

const (
	houseAgents  = 5_000
	houseWaiting = 50_000
)

// house is a board with many tenants and agents, all of whom talk, and many who wait, turned by hand.
type house struct {
	board   *Board
	dialled []call.LegID
	talking []call.LegID // agents' legs
	spare   []mail
	callers int
	tenants int
	rng     *rand.Rand
}

// Do takes down whom the board calls: it is the house's phones.
func (h *house) Do(cmd call.SignalCommand) {
	if d, is := cmd.(call.Dial); is {
		h.dialled = append(h.dialled, d.Leg)
	}
}

func houseNumber(i int) string { return fmt.Sprintf("+468%07d", 1_000_000+i) }

func newHouse(b *testing.B, tenants int) *house {
	h := &house{tenants: tenants, rng: rand.New(rand.NewPCG(1, 2))}
	var all []directory.Tenant
	for i := range tenants {
		all = append(all, directory.Tenant{ID: fmt.Sprint("t", i), Name: "T", Number: houseNumber(i), Trunk: "pbx", Rules: testRules(), Plan: tariff.DefaultPlan()})
	}
	var agents []directory.Agent
	for i := range houseAgents {
		agents = append(agents, directory.Agent{ID: fmt.Sprint("a", i), Extension: fmt.Sprint(20_000 + i), Kind: call.Service})
	}
	d, err := directory.New(all, agents)
	if err != nil {
		b.Fatal(err)
	}
	h.board = New(Config{Signals: h, Media: silence{}, Store: atOnce{}, Directory: d})
	for _, a := range agents {
		h.board.Registered(a.ID, true, time.Now())
	}
	h.turn()
	for range houseAgents + houseWaiting {
		h.arrive()
	}
	for len(h.dialled) > 0 {
		h.answer()
	}
	if len(h.talking) != houseAgents || h.board.queue.Len() != houseWaiting {
		b.Fatalf("%d talk, %d wait", len(h.talking), h.board.queue.Len())
	}
	return h
}

func (h *house) turn() {
	for len(h.board.box.mail) > 0 {
		h.spare = h.board.turn(h.spare)
	}
}

// arrive is a caller of any tenant, answer whoever was called last, end any conversation: its agent meets the next caller.
func (h *house) arrive() {
	h.callers++
	h.board.Post(call.LegID(fmt.Sprint("in", h.callers)), time.Now(), call.Arrived{Trunk: "pbx", Called: houseNumber(h.rng.IntN(h.tenants)),
		Caller: call.Party{Number: fmt.Sprintf("+4670%07d", h.callers)}})
	h.turn()
}

func (h *house) answer() {
	last := len(h.dialled) - 1
	leg := h.dialled[last]
	h.dialled = h.dialled[:last]
	h.talking = append(h.talking, leg)
	h.board.Post(leg, time.Now(), answers)
	h.turn()
}

func (h *house) end() {
	i, last := h.rng.IntN(len(h.talking)), len(h.talking)-1
	leg := h.talking[i]
	h.talking[i] = h.talking[last]
	h.talking = h.talking[:last]
	h.board.Post(leg, time.Now(), bye)
	h.turn()
}

// BenchmarkFullHouse is what single events cost the loop with 50,000 callers waiting and 5,000 agents talking, without a store to wait for:
// a caller who arrives, a conversation that ends and whose agent is given the next call, and her answer. The floor is what the
// mailbox costs for one message in the same run.
func BenchmarkFullHouse(b *testing.B) {
	for _, tenants := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint("tenants=", tenants), func(b *testing.B) {
			h := newHouse(b, tenants)
			var floor, arrive, end, answer []time.Duration
			timed := func(all *[]time.Duration, f func()) {
				start := time.Now()
				f()
				*all = append(*all, time.Since(start))
			}
			for b.Loop() {
				timed(&floor, func() {
					h.board.box.put(mail{posted: time.Now(), at: time.Now(), leg: "x", event: bye}, 0)
					h.spare = h.board.box.take(h.spare)
				})
				timed(&arrive, h.arrive)
				timed(&end, h.end)
				timed(&answer, h.answer)
			}
			if h.board.queue.Len() != houseWaiting || len(h.talking) != houseAgents {
				b.Fatalf("%d wait, %d talk", h.board.queue.Len(), len(h.talking))
			}
			reportEach(b, map[string][]time.Duration{"floor": floor, "arrive": arrive, "end": end, "answer": answer}, time.Microsecond, "us")
		})
	}
}

func reportEach(b *testing.B, took map[string][]time.Duration, unit time.Duration, name string) {
	for what, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2])/float64(unit), what+"-p50-"+name)
		b.ReportMetric(float64(all[len(all)*99/100])/float64(unit), what+"-p99-"+name)
	}
}

// eager is phones that answer at once.
type eager struct{ board *Board }

func (e *eager) Do(cmd call.SignalCommand) {
	if d, is := cmd.(call.Dial); is {
		e.board.Post(d.Leg, time.Now(), answers)
	}
}

// BenchmarkLoopOnDisk is the running loop with the real store: 100 callers at a time arrive, are answered, and hang up, as fast as they can; each of
// the three waits for the disk. fsync is what the disk takes in the same run for the two synced writes of a transaction.
func BenchmarkLoopOnDisk(b *testing.B) {
	const callers = 100
	disk, err := store.Open(b.TempDir(), store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer disk.Close()
	phones := &eager{}
	var agents []directory.Agent
	for i := range callers {
		agents = append(agents, directory.Agent{ID: fmt.Sprint("a", i), Extension: fmt.Sprint(1000 + i), Kind: call.Service})
	}
	d, err := directory.New([]directory.Tenant{{ID: "t", Name: "T", Number: numbers[0], Trunk: "pbx", Rules: testRules(), Plan: tariff.DefaultPlan()}}, agents)
	if err != nil {
		b.Fatal(err)
	}
	spoke := &opened{waits: map[call.LegID]chan struct{}{}}
	board := New(Config{Signals: phones, Media: spoke, Store: disk, Directory: d})
	phones.board = board
	for _, a := range agents {
		board.Registered(a.ID, true, time.Now())
	}
	ctx, cancel := context.WithCancel(b.Context())
	var loop sync.WaitGroup
	loop.Go(func() { board.Run(ctx) })
	fsync := syncs(b)
	next := make(chan call.LegID)
	var lines sync.WaitGroup
	for range callers {
		lines.Go(func() {
			for id := range next {
				talks := spoke.wait(id)
				board.Post(id, time.Now(), call.Arrived{Trunk: "pbx", Called: numbers[0], SIPCall: string(id)})
				<-talks
				board.Post(id, time.Now(), bye)
			}
		})
	}
	n := 0
	for b.Loop() {
		n++
		next <- call.LegID(fmt.Sprint("in", n))
	}
	close(next)
	lines.Wait()
	b.ReportMetric(3*float64(n)/b.Elapsed().Seconds(), "events/s")
	reportEach(b, map[string][]time.Duration{"fsync": fsync}, time.Millisecond, "ms")
	cancel()
	loop.Wait()
}

// opened tells when the audio of a caller is opened: her receptionist's answer is on disk.
type opened struct {
	mu    sync.Mutex // protects what follows
	waits map[call.LegID]chan struct{}
}

func (o *opened) wait(caller call.LegID) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := make(chan struct{})
	o.waits[caller] = c
	return c
}

func (o *opened) Do(cmd call.MediaCommand) {
	if c, is := cmd.(call.Connect); is {
		o.mu.Lock()
		defer o.mu.Unlock()
		close(o.waits[c.A])
		delete(o.waits, c.A)
	}
}

// syncs are times of two synced writes of 4 KiB, which is what a transaction of the store needs.
func syncs(b *testing.B) (took []time.Duration) {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	for range 200 {
		begun := time.Now()
		for i := range 2 {
			if _, err := f.WriteAt(page, int64(i)*4096); err != nil {
				b.Fatal(err)
			}
			if err := syscall.Fdatasync(int(f.Fd())); err != nil {
				b.Fatal(err)
			}
		}
		took = append(took, time.Since(begun))
	}
	return took
}
