package flows

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"telefonist/call"
	"telefonist/media"
	"telefonist/media/negotiate"
	"telefonist/switchboard"
)

// promptTakes is how long every prompt takes.
const promptTakes = 2 * time.Second

var errNoSession = errors.New("no session")

// sound is the audio of all legs: negotiated by the real thing, and written down instead of heard. Prompts take their time.
type sound struct {
	board *switchboard.Board
	said  *transcript
	gates *gates

	mu       sync.Mutex // protects what follows
	sessions map[call.LegID]*negotiate.Session
	opened   int
	turn     map[call.LegID]int // what a leg hears, by number
}

func newSound(b *switchboard.Board, said *transcript, g *gates) *sound {
	return &sound{board: b, said: said, gates: g, sessions: map[call.LegID]*negotiate.Session{}, turn: map[call.LegID]int{}}
}

func (s *sound) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Open, Close and so on are what SIP asks of audio.
func (s *sound) Open(leg call.LegID, o media.Options) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[leg] != nil {
		return media.ErrOpen
	}
	s.opened++
	s.sessions[leg] = negotiate.New(negotiate.Local{Addr: o.LocalIP, RTP: uint16(10000 + 2*s.opened), RTCP: uint16(10001 + 2*s.opened), ID: 1}, nil)
	return nil
}

func (s *sound) Close(leg call.LegID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, leg)
	s.turn[leg]++
}

func (s *sound) SetSignallingIP(call.LegID, netip.Addr) {}

func (s *sound) Offer(leg call.LegID) (text []byte, err error) {
	err = s.with(leg, func(n *negotiate.Session) error {
		text = n.Offer(nil, false)
		return nil
	})
	return text, err
}

func (s *sound) Accept(leg call.LegID, answer []byte) (d media.Direction, err error) {
	err = s.with(leg, func(n *negotiate.Session) error {
		d, err = n.Accept(answer)
		return err
	})
	return d, err
}

func (s *sound) Answer(leg call.LegID, offer []byte) (a media.Answer, err error) {
	err = s.with(leg, func(n *negotiate.Session) error {
		if a.SDP, a.Changed, err = n.Answer(offer, negotiate.NoCodec); err != nil {
			return err
		}
		agreed, _ := n.Media()
		a.Direction = agreed.Direction
		return nil
	})
	return a, err
}

func (s *sound) with(leg call.LegID, f func(*negotiate.Session) error) error {
	if s.said.name(leg) == s.gates.party {
		s.gates.audio.pass()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.sessions[leg]
	if n == nil {
		return errNoSession
	}
	return f(n)
}

func (s *sound) Press(leg call.LegID, digit string, d time.Duration) {
	s.board.Post(leg, time.Now(), call.Digit{Digit: digit, Duration: d})
}

// Do is what the switchboard asks of audio.
func (s *sound) Do(cmd call.MediaCommand) {
	switch c := cmd.(type) {
	case call.Play:
		s.hears(c.Leg, "hears "+c.Source)
		if !c.Loop {
			s.endsAfter(c.Leg, promptTakes, c.Source)
		}
	case call.Say:
		text := "hears " + strings.Join(c.Clips, " ")
		if c.Then != "" {
			text += ", then " + c.Then
		}
		s.hears(c.Leg, text)
		if c.Then == "" {
			s.endsAfter(c.Leg, promptTakes, c.Clips[len(c.Clips)-1])
		}
	case call.Connect:
		s.hears(c.A, "talks with "+s.said.name(c.B))
		s.hears(c.B, "talks with "+s.said.name(c.A))
	case call.Mix:
		for i, leg := range c.Legs {
			var others []string
			for j, other := range c.Legs {
				if i != j {
					others = append(others, s.said.name(other))
				}
			}
			s.hears(leg, "talks with "+strings.Join(others, " and "))
		}
	case call.Disconnect:
		s.hears(c.Leg, "hears nothing")
	case call.Tone:
		s.said.add(s.said.name(c.Leg), heard, "hears a "+string(c.Kind)+" tone")
	}
}

// hears notes what a leg hears from now on.
func (s *sound) hears(leg call.LegID, what string) {
	s.mu.Lock()
	s.turn[leg]++
	s.mu.Unlock()
	s.said.add(s.said.name(leg), heard, what)
}

// endsAfter tells that a prompt has ended, unless the leg hears something else by then.
func (s *sound) endsAfter(leg call.LegID, d time.Duration, source string) {
	s.mu.Lock()
	turn := s.turn[leg]
	s.mu.Unlock()
	time.AfterFunc(d, func() {
		s.mu.Lock()
		still := s.turn[leg] == turn
		s.mu.Unlock()
		if still {
			s.board.Post(leg, time.Now(), call.PromptDone{Source: source})
		}
	})
}
