package sip

import (
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"telefonist/media"
	"telefonist/sip/wire"
)

// UnknownSource is what happens to requests from sources that are neither a trunk nor a registered phone. REGISTER is the
// registrar's in any case.
type UnknownSource string

const (
	DropUnknown   UnknownSource = "drop"   // nothing is sent
	AnswerUnknown UnknownSource = "answer" // 403
)

// Audio is what the audio of a leg may be.
type Audio struct {
	Codecs []string // names of RFC 4855, best first; nil for the usual ones
	Secure media.Secure
	Shared bool // one port for the audio of many legs (media.Options.Shared); for verified trunks
}

// Config configures a Server.
type Config struct {
	// Wire is the transport: addresses to bind, external host, limits. Known, Admit, Logger and Registerer are set by the
	// server.
	Wire wire.Config
	// Trunks may be replaced later by SetTrunks.
	Trunks []Trunk
	// UnknownSource; empty means DropUnknown.
	UnknownSource UnknownSource
	// SessionExpires is the session interval that we ask for (RFC 4028). Zero means 30 min; less than 90 s means 90 s.
	SessionExpires time.Duration

	// Audio, where not nil, says what the audio of a trunk's or an agent's legs may be; one of both names is empty. What it
	// leaves out is as media has it.
	Audio func(trunk, agent string) Audio

	Poster Poster // required
	Media  Media  // required
	Phones Phones // required

	Logger     *slog.Logger          // nil means slog.Default
	Registerer prometheus.Registerer // nil means a registry of the server's own
}

func (c *Config) setDefaults() error {
	if c.Poster == nil || c.Media == nil || c.Phones == nil {
		return errors.New("sip: poster, media and phones are required")
	}
	switch c.UnknownSource {
	case DropUnknown, AnswerUnknown:
	case "":
		c.UnknownSource = DropUnknown
	default:
		return errors.New("sip: unknown source must be drop or answer")
	}
	if c.SessionExpires <= 0 {
		c.SessionExpires = 30 * time.Minute
	}
	c.SessionExpires = max(c.SessionExpires.Truncate(time.Second), minSessionExpires)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Registerer == nil {
		c.Registerer = prometheus.NewRegistry()
	}
	return nil
}
