package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"telefonist/sip/softphone"
)

// Config describes a world. The zero value of a field means the default named there.
type Config struct {
	// PBX is where the PBX listens (default 127.0.0.1:0), Phones the address of the softphones (default 127.0.0.1).
	PBX    netip.AddrPort
	Phones netip.Addr
	Limits Limits  // default DefaultLimits
	Agents []Agent // default NewAgents()
	Logger *slog.Logger
}

// World is a PBX, four softphones and the script that they play. See Open.
type World struct {
	cfg  Config
	unit time.Duration
	pbx  *softphone.PBX
	told func(Happening)

	phones []*softphone.Phone

	mu    sync.Mutex // protects what follows
	plays map[string]*play
	next  int // the next caller's number
}

// Options are those of one run.
type Options struct {
	// Server is where the server takes SIP over UDP.
	Server netip.AddrPort
	// Calls is how many calls are placed; zero means until the context ends.
	Calls int
	// Seed decides the order of the script.
	Seed uint64
	// Happened, where set, hears of what the server cannot tell of. It must not block.
	Happened func(Happening)
}

// Happening is something that the world did or saw.
type Happening struct {
	At       time.Time
	No       int // the call, 0 for none
	Scenario Scenario
	SIPCall  string
	Caller   string
	Called   string
	What     string
}

// Open opens the PBX. The server can be configured with its address before Run.
func Open(cfg Config) (*World, error) {
	if !cfg.PBX.IsValid() {
		cfg.PBX = netip.MustParseAddrPort("127.0.0.1:0")
	}
	if !cfg.Phones.IsValid() {
		cfg.Phones = netip.MustParseAddr("127.0.0.1")
	}
	if cfg.Limits == (Limits{}) {
		cfg.Limits = DefaultLimits
	}
	if err := cfg.Limits.check(); err != nil {
		return nil, err
	}
	if cfg.Agents == nil {
		cfg.Agents = NewAgents()
	}
	w := &World{cfg: cfg, unit: cfg.Limits.unit(), plays: map[string]*play{}, told: func(Happening) {}}
	pbx, err := softphone.NewPBX(softphone.Config{Listen: cfg.PBX, OnCall: w.reached, Logger: cfg.Logger})
	if err != nil {
		return nil, fmt.Errorf("open the PBX of the demonstration: %w", err)
	}
	w.pbx = pbx
	return w, nil
}

// PBX returns where the PBX takes and places calls.
func (w *World) PBX() netip.AddrPort { return w.pbx.Addr() }

// Agents returns the receptionists with their passwords.
func (w *World) Agents() []Agent { return w.cfg.Agents }

// Close ends what is left and closes all sockets.
func (w *World) Close(ctx context.Context) error {
	var errs []error
	for _, p := range w.phones {
		errs = append(errs, p.Close(ctx))
	}
	return errors.Join(append(errs, w.pbx.Close(ctx))...)
}

// Run registers the phones and plays the script. It returns what must be true of each call that was placed, when all of
// them are over: after Options.Calls calls, or when ctx ends. The error is for a world that could not begin.
func (w *World) Run(ctx context.Context, o Options) ([]Expectation, error) {
	w.pbx.Connect(o.Server)
	if o.Happened != nil {
		w.told = o.Happened
	}
	if err := w.register(ctx, o.Server); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0x7e1ef0))
	var playing sync.WaitGroup
	var mu sync.Mutex // protects expected
	var expected []Expectation
	for placed := 0; o.Calls == 0 || placed < o.Calls; {
		n := len(acts)
		if o.Calls > 0 {
			n = min(n, o.Calls-placed)
		}
		for _, s := range round(n, w.unit, rng) {
			if !softphone.Pause(ctx, s.gap) {
				break
			}
			placed++
			p := w.cast(s, placed)
			playing.Go(func() {
				p.perform(ctx)
				e := p.result()
				mu.Lock()
				defer mu.Unlock()
				expected = append(expected, e)
			})
		}
		if ctx.Err() != nil {
			break
		}
	}
	playing.Wait()
	slices.SortFunc(expected, func(a, b Expectation) int { return a.No - b.No })
	return expected, nil
}

// register opens the softphones and registers them. Two of them prefer the older digest, and one speaks µ-law first, so
// that both ways of each are used.
func (w *World) register(ctx context.Context, server netip.AddrPort) error {
	for i, a := range w.cfg.Agents {
		cfg := softphone.Config{
			Server: server, Listen: netip.AddrPortFrom(w.cfg.Phones, 0), User: a.Extension, Name: a.Name, Password: a.Password,
			Algorithm: []string{"SHA-256", "MD5"}[i%2], Expires: 5 * time.Minute, Logger: w.cfg.Logger,
			Voice:  func() softphone.Source { return softphone.Tone(agentTone(i)) },
			OnCall: func(ctx context.Context, c *softphone.Call) { w.offered(ctx, i, c) },
		}
		if i == len(w.cfg.Agents)-1 {
			cfg.Codecs = []softphone.Codec{softphone.PCMU}
		}
		phone, err := softphone.New(cfg)
		if err != nil {
			return fmt.Errorf("open the phone of %s: %w", a.ID, err)
		}
		w.phones = append(w.phones, phone)
		if err := phone.Register(ctx); err != nil {
			return fmt.Errorf("phone of %s: %w", a.ID, err)
		}
		w.told(Happening{At: time.Now(), Caller: a.Extension, What: a.Name + " has logged in"})
	}
	return nil
}

// Every party has a tone of its own, so that it can be measured who heard whom. None is one of the server's own.
func agentTone(i int) float64  { return float64(1700 + 100*i) }
func callerTone(n int) float64 { return float64(500 + 50*(n%20)) }

func targetTone(number string) float64 {
	switch number {
	case extensionReached:
		return 2300
	case extensionConsulted:
		return 2400
	}
	return 2500
}

// firstCaller and callers span the mobile numbers that are reserved for fiction, but for the last, which is a target.
const (
	firstCaller = 46701740605
	callers     = 94
)

// cast makes the play of a scene and gives it a caller, by whose number everybody knows which play they are in.
func (w *World) cast(s scene, no int) *play {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := &play{w: w, scene: s, no: no, tone: callerTone(w.next), agents: map[int]bool{},
		rung: make(chan struct{}), parted: make(chan struct{}), exp: s.expected()}
	p.caller = fmt.Sprintf("+%d", firstCaller+w.next%callers)
	w.next++
	p.exp.No = no
	p.idle.L = &p.mu
	w.plays[p.caller] = p
	return p
}

// playOf finds the play that a call belongs to.
func (w *World) playOf(i softphone.Invite) *play {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.plays[i.Identity]; p != nil {
		return p
	}
	return w.plays[i.From]
}
