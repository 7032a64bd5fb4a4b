package media

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"telefonist/call"
	"telefonist/media/negotiate"
)

// Config says how the engine is set up.
type Config struct {
	// Address is the local address that RTP is bound to. 0.0.0.0 or :: means the local address that each session's
	// signalling goes by (Options.LocalIP).
	Address netip.Addr
	// External is advertised in place of the local address where it is set (a static one-to-one NAT).
	External netip.Addr
	// MinPort and MaxPort bound the ports used, both included. RTP takes the even ones, RTCP the odd ones above (RFC
	// 3550 section 11), so each session takes two.
	MinPort, MaxPort uint16
	// Silence is when a leg's far side counts as lost.
	Silence Silence
	// Codecs are those of a leg that names none, best first: names of RFC 4855, "*" for all that can be passed through.
	// Nil means PCMA, PCMU and G722.
	Codecs []string
	// Prompts maps names of prompts to WAV files that are used in place of the built-in ones, or beside them. A file is
	// PCM, 16 bits, mono or stereo, at 8 to 48 kHz. A folder is a playlist: its WAV files in the order of their names.
	Prompts map[string]string
	// PromptFS is where the files of Prompts are opened; nil means the file system of the machine, by ordinary paths.
	PromptFS fs.FS
	// Reoffer, where not nil, is asked to send a new offer on a leg whose audio its peer cannot hear in any of the formats
	// that it was answered with, or that understands none of what we play to it. It must not wait.
	Reoffer func(call.LegID)
	// Press, where not nil, is asked to tell a leg of a key that whom it hears has pressed, where its far side has not
	// negotiated telephone-event. It must not wait, nor call back into the engine.
	Press func(leg call.LegID, digit string, d time.Duration)
	// Logger takes what operators should know; nil means silence.
	Logger *slog.Logger
	// Registerer takes the metrics; nil means none.
	Registerer prometheus.Registerer

	// portable has flows carried the way that every system can, for tests and comparisons.
	portable bool
	// allShared has all legs share ports, as Options.Shared.
	allShared bool
	// loops is how many epoll loops carry flows; 0 means one for each core.
	loops int
}

// Silence says how long a leg may send no RTP before MediaLost is posted, once per leg. The watch begins with the first
// Play or Connect for the leg, so that a phone that still rings is not watched. It is off while the leg is on hold in
// either direction, and begins anew when the hold ends. A waiting caller is watched like any other.
type Silence struct {
	// First applies while nothing has arrived yet. Zero means 40 s, longer than the 32 s in which a 200 without ACK is given up; negative means off.
	First time.Duration
	// Steady applies from the first packet on. Zero means 15 s, negative means off.
	Steady time.Duration
}

// DefaultSilence is what zero values of Silence mean.
var DefaultSilence = Silence{First: 40 * time.Second, Steady: 15 * time.Second}

// Sink takes the events of media: call.MediaLost, call.PromptDone and call.Digit. Post must not wait, and may not call back into
// the engine but for Do.
type Sink interface {
	Post(leg call.LegID, at time.Time, ev call.Event)
}

// SinkFunc is a function as a Sink.
type SinkFunc func(leg call.LegID, at time.Time, ev call.Event)

// Post calls the function.
func (f SinkFunc) Post(leg call.LegID, at time.Time, ev call.Event) { f(leg, at, ev) }

// Errors of sessions.
var (
	// ErrNoPorts is returned by Open when every port pair is taken or resting.
	ErrNoPorts = errors.New("no free port pair")
	// ErrNoDescriptors is returned by Open when the process may open no more files: raise its limit (LimitNOFILE of
	// systemd, ulimit -n) to at least two for each port pair.
	ErrNoDescriptors = errors.New("no file descriptor left for a port pair")
	// ErrNoSession is returned for a leg that is not open.
	ErrNoSession = errors.New("leg has no media session")
	// ErrOpen is returned by Open for a leg that is open already.
	ErrOpen = errors.New("leg has a media session already")
	// ErrNoAddress is returned by Open where neither the configuration nor the options name an address to advertise.
	ErrNoAddress = errors.New("no local media address")
	// ErrShutdown is returned by Open after Shutdown.
	ErrShutdown = errors.New("media has been shut down")
)

func (c *Config) setDefaults() error {
	if !c.Address.IsValid() {
		return errors.New("media: no address")
	}
	c.Address = c.Address.Unmap()
	if c.External.IsValid() && c.External.IsUnspecified() {
		return fmt.Errorf("media: external address %s is no address", c.External)
	}
	if c.MinPort == 0 || c.MaxPort <= c.MinPort || (c.MinPort+1)&^1 >= c.MaxPort {
		return fmt.Errorf("media: ports %d-%d hold no pair", c.MinPort, c.MaxPort)
	}
	if c.Silence.First == 0 {
		c.Silence.First = DefaultSilence.First
	}
	if c.Silence.Steady == 0 {
		c.Silence.Steady = DefaultSilence.Steady
	}
	if c.Codecs == nil {
		c.Codecs = negotiate.DefaultCodecs
	}
	if !negotiate.Codecs(c.Codecs).Speaks() {
		return fmt.Errorf("media: none of the codecs %v is spoken by the service", c.Codecs)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}
