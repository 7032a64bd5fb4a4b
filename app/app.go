package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"telefonist/call"
	"telefonist/config"
	"telefonist/directory"
	"telefonist/media"
	"telefonist/message"
	"telefonist/queue"
	"telefonist/record"
	"telefonist/sip"
	"telefonist/store"
	"telefonist/switchboard"
	"telefonist/web"
)

// Options are what a server takes beside its configuration.
type Options struct {
	// Log takes the log; nil discards it.
	Log io.Writer
	// Observe hears of every line of every call's story, and of each record. See switchboard.Config.
	Observe func(h *record.Head, e call.Entry, ended *record.Record)
}

// App is one server. New makes it, Start starts it, Stop ends it; each is called once, in this order.
type App struct {
	cfg  *config.Config
	opts Options
	log  *slog.Logger
	reg  *prometheus.Registry

	store  *store.Store
	v1     *web.V1
	lives  *lives
	outbox *message.Outbox
	// mail is the configuration that messages are sent by; closeGateways lets go of its gateways. reload guards the latter.
	mail          atomic.Pointer[config.Config]
	closeGateways func()
	finder        *finder
	media         *media.Engine

	trunkAudio atomic.Pointer[map[string]sip.Audio]
	board      *switchboard.Board
	sip        *sip.Server
	phones     *phones
	left       []call.Dialog // of peers that a crash left behind, until SIP starts
	web        net.Addr

	parts parts
	// tenants is the directory of the moment.
	tenants atomic.Pointer[directory.Directory]
	failed  chan error
	reload  sync.Mutex // one change of the directory at a time; protects limits
	limits  queue.Limits
	state   atomic.Int32
}

// States of an App, for Ready.
const (
	starting int32 = iota
	ready
	draining
)

// New makes a server of a configuration. Nothing is opened before Start.
func New(cfg *config.Config, o Options) (*App, error) {
	if err := Check(cfg); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	log := newLogger(o.Log, cfg.Log)
	reg := prometheus.NewRegistry()
	live := collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)})
	reg.MustRegister(collectors.NewGoCollector(live), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &App{cfg: cfg, opts: o, log: log, reg: reg, parts: parts{log: log}, failed: make(chan error, 4)}, nil
}

// Check reports what is wrong with a configuration beyond what its own room can see.
func Check(cfg *config.Config) error {
	var all config.Errors
	for key, files := range map[string]map[string]string{"prompts": cfg.Media.Prompts, "music": cfg.Media.Music} {
		for name, file := range files {
			if err := media.CheckPrompt(file); err != nil {
				all = append(all, cfg.Errorf("media."+key+"."+name, err.Error(),
					"write a WAV file, or a folder of them: PCM, 16 bits, mono or stereo, 8 to 48 kHz")...)
			}
		}
	}
	all = append(all, cfg.CheckSounds(sounds(cfg))...)
	_, closeGateways, wrong := transports(cfg)
	closeGateways()
	if all = append(all, wrong...); len(all) == 0 {
		return nil
	}
	return all
}

// sounds are the names that may be played.
func sounds(cfg *config.Config) []string {
	names := media.BuiltinPrompts()
	for _, files := range []map[string]string{cfg.Media.Prompts, cfg.Media.Music} {
		for name := range files {
			names = append(names, name)
		}
	}
	return names
}

func newLogger(w io.Writer, cfg config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Level)) // checked by config
	o := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// Log is the server's log.
func (a *App) Log() *slog.Logger { return a.log }

// SIPAddrs are the addresses that SIP is served on, with the ports that the system chose.
func (a *App) SIPAddrs() []sip.Addr { return a.sip.Addrs() }

// WebAddr is the address of the public HTTP listener.
func (a *App) WebAddr() net.Addr { return a.web }

// StoreDir is the folder of the store.
func (a *App) StoreDir() string { return a.cfg.Store.Dir }

// AudioThreads is how many threads carry audio and nothing else, for as long as the server runs.
func (a *App) AudioThreads() int { return a.media.Threads() }

// Failed gives the error of a part that stopped by itself. The server should then be stopped.
func (a *App) Failed() <-chan error { return a.failed }

// Ready implements web.Health.
func (a *App) Ready() error {
	switch a.state.Load() {
	case ready:
		return nil
	case draining:
		return errors.New("the service is being stopped")
	default:
		return errors.New("the service is starting")
	}
}

// Start opens everything in order: the store first, then what a crash left is settled, and trunks last. Where a step
// fails, those before it are undone.
func (a *App) Start(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"store", a.startStore}, {"messages", a.startMessages}, {"media", a.startMedia}, {"switchboard", a.startBoard}, {"web", a.startWeb},
		{"admin socket", a.startAdmin}, {"sip", a.startSIP},
	} {
		if err := step.do(ctx); err != nil {
			return errors.Join(fmt.Errorf("start %s: %w", step.name, err), a.parts.stop(ctx))
		}
	}
	a.state.Store(ready)
	a.log.Info("ready", "version", Version(), "sip", fmt.Sprint(a.sip.Addrs()), "web", a.web.String(), "store", a.cfg.Store.Dir)
	_, _ = daemon.SdNotify(false, daemon.SdNotifyReady)
	return nil
}

func (a *App) startStore(context.Context) error {
	s, err := store.Open(a.cfg.Store.Dir, store.Options{KeyFile: a.cfg.Store.KeyFile, Logger: a.log, Registerer: a.reg})
	if err != nil {
		return err
	}
	a.store = s
	a.parts.add("store", func(context.Context) error { return s.Close() })
	a.tend()
	a.lives = startLives(s, a.log)
	a.parts.add("lives of numbers", func(context.Context) error { a.lives.stop(); return nil })
	a.v1 = a.newV1()
	a.parts.add("api", func(context.Context) error { a.v1.Close(); return nil })
	return nil
}

func (a *App) startMedia(context.Context) error {
	m := a.cfg.Media
	prompts := maps.Clone(m.Prompts)
	if prompts == nil {
		prompts = map[string]string{}
	}
	maps.Copy(prompts, m.Music)
	engine, err := media.New(media.Config{
		Address: m.Address.Addr, External: m.ExternalAddress.Addr, MinPort: m.Ports.Min, MaxPort: m.Ports.Max,
		Silence: media.Silence{First: off(m.Timeout.First), Steady: off(m.Timeout.Steady)}, Prompts: prompts,
		Codecs: config.CodecNames(m.Codecs), Reoffer: func(leg call.LegID) { a.sip.Reoffer(leg) },
		Press:  func(leg call.LegID, digit string, d time.Duration) { a.sip.Press(leg, digit, d) },
		Logger: a.log, Registerer: a.reg,
	}, media.SinkFunc(func(leg call.LegID, at time.Time, ev call.Event) { a.board.Post(leg, at, ev) }))
	if err != nil {
		return err
	}
	a.media = engine
	a.parts.add("media", func(context.Context) error { engine.Shutdown(); return nil })
	return nil
}

// off turns the configuration's "zero means off" into media's "negative means off".
func off(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

func (a *App) startBoard(ctx context.Context) error {
	dir, err := provision(a.store, a.cfg)
	if err != nil {
		return err
	}
	if err := a.setTenants(dir); err != nil {
		return err
	}
	if a.finder, err = startFinder(a.store, a.tenants.Load, a.log, a.reg); err != nil {
		return err
	}
	a.v1.Search = a.finder
	a.parts.add("search", func(context.Context) error { a.finder.close(); return nil })
	a.startPruning()
	a.limits = limits(a.cfg)
	if a.left, err = settle(ctx, a.store, a.log); err != nil {
		return err
	}
	board, err := a.boardConfig(dir)
	if err != nil {
		return err
	}
	a.board = switchboard.New(board)
	a.v1.Desk = a.board
	a.phones = a.newPhones(dir)
	a.trunkAudio.Store(trunkAudio(a.cfg))
	if err := a.phones.restore(); err != nil {
		return err
	}
	if a.sip, err = sip.New(a.sipConfig()); err != nil {
		return err
	}
	a.board.Connect(a.sip, a.media)
	run, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.board.Run(run)
	}()
	expiry := make(chan struct{})
	go func() {
		defer close(expiry)
		a.phones.reg.Run(run)
	}()
	a.parts.add("sip", func(ctx context.Context) error { return a.sip.Close(ctx) })
	a.parts.add("switchboard", func(context.Context) error {
		stop()
		<-done
		<-expiry
		return nil
	})
	return nil
}

func limits(cfg *config.Config) queue.Limits {
	return queue.Limits{Misses: cfg.Queue.MaxMisses, Again: cfg.Queue.RetryAfter}
}

// startSIP ends what a crash left standing, and then takes calls.
func (a *App) startSIP(ctx context.Context) error {
	if err := a.missedLives(ctx); err != nil {
		return err
	}
	a.sip.Start(a.left)
	a.left = nil
	return nil
}

// Stop refuses new calls, lets live ones go on for at most the configured drain time or until ctx ends, ends those that
// are left, and closes everything. No record is lost.
func (a *App) Stop(ctx context.Context) error {
	a.state.Store(draining)
	_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping)
	a.sip.SetDraining(true)
	idle := a.board.Drain()
	limit := time.NewTimer(a.cfg.DrainTimeout)
	defer limit.Stop()
	a.log.Info("draining", "at_most", a.cfg.DrainTimeout)
	select {
	case <-idle:
	case <-limit.C:
		a.log.Warn("drain time is over, live calls are ended")
	case <-ctx.Done():
		a.log.Warn("told to stop at once, live calls are ended")
	}
	err := a.parts.stop(context.WithoutCancel(ctx))
	a.log.Info("stopped")
	return err
}

// trunks are the trunks of a configuration as sip has them.
func trunks(cfg *config.Config) []sip.Trunk {
	var all []sip.Trunk
	for _, t := range cfg.Trunks {
		trunk := sip.Trunk{Name: string(t.Name), Target: t.Target.String(),
			Credentials: sip.Credentials{User: t.Username, Password: string(t.Password), Realm: t.Realm}}
		for _, s := range t.Allow {
			trunk.Allow = append(trunk.Allow, sip.Allow{Prefix: s.Prefix, Port: s.Port})
		}
		all = append(all, trunk)
	}
	return all
}

// trunkAudio is what the audio of each trunk may be. config has checked the words.
func trunkAudio(cfg *config.Config) *map[string]sip.Audio {
	all := map[string]sip.Audio{}
	for _, t := range cfg.Trunks {
		secure, _ := media.ParseSecure(t.SRTP)
		all[string(t.Name)] = sip.Audio{Codecs: config.CodecNames(t.Codecs), Secure: secure, Shared: t.Media == "shared"}
	}
	return &all
}

// audio is sip's question what a trunk's or an agent's legs may speak.
func (a *App) audio(trunk, agent string) sip.Audio {
	if agent == "" {
		return (*a.trunkAudio.Load())[trunk]
	}
	who, _ := a.phones.dir.Load().Agent(agent)
	secure, _ := media.ParseSecure(who.SRTP)
	return sip.Audio{Codecs: who.Codecs, Secure: secure}
}

// external is an address as Via and Contact have it, empty where none is configured.
func external(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
