package switchboard

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/directory"
)

// awayBoard plays with an own receptionist whose switch is kept when the test says so, by what Away was told to say.
func awayBoard(t *testing.T, f func(p *script, asked func() (directory.Switch, func(error)))) {
	olle := directory.Agent{ID: "olle", Kind: call.Own, Tenants: []string{"t0"}}
	play(t, crew(nil, olle), func(s *stage) {
		type asking struct {
			set  directory.Switch
			done func(error)
		}
		asks := make(chan asking, 4)
		s.board.ask(s.t.Context(), func() {
			s.board.cfg.Codes = Codes{CodeAwayOn: "*21", CodeAwayOff: "*22"}
			s.board.cfg.Away = func(tenant string, set directory.Switch, by string, done func(error)) {
				if tenant != "t0" || by != "agent:olle" {
					s.t.Errorf("%s by %s", tenant, by)
				}
				asks <- asking{set, done}
			}
		})
		f(scripted(s), func() (directory.Switch, func(error)) { a := <-asks; return a.set, a.done })
	})
}

// heard tells whether a clip has been said to anybody.
func (p *script) heard(clip string) bool {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return slices.ContainsFunc(p.said, func(line string) bool { return strings.Contains(line, "hears "+clip) })
}

func TestAwayByPhoneIsConfirmedWhenItIsKept(t *testing.T) {
	awayBoard(t, func(p *script, asked func() (directory.Switch, func(error))) {
		p.in("code", call.Dialled{Agent: "olle", Target: "*21"})
		p.after(5 * time.Second)
		if p.heard("sv-away-on") || p.heard("sv-not-allowed") {
			t.Error("she is told before it is known")
		}
		set, done := asked()
		done(nil)
		p.after(time.Millisecond)
		if !set.Away || !p.heard("sv-away-on") || p.over("code") {
			t.Errorf("%+v is not confirmed", set)
		}
		p.after(confirmFor - time.Second) // she may listen to the end
		if p.over("code") {
			t.Error("hung up while she listens")
		}
		p.send("code", call.PromptDone{})
		if !p.over("code") {
			t.Error("not hung up")
		}
	})
}

func TestAwayByPhoneThatIsNotKeptIsNotConfirmed(t *testing.T) {
	awayBoard(t, func(p *script, asked func() (directory.Switch, func(error))) {
		p.in("code", call.Dialled{Agent: "olle", Target: "*22"})
		_, done := asked()
		done(errors.New("the disk is full"))
		p.after(time.Millisecond)
		if p.heard("sv-away-off") || !p.heard("sv-not-allowed") {
			t.Error("she is told that it was done")
		}
		p.send("code", bye)
	})
}

func TestWhoHangsUpBeforeAwayIsKeptHearsNothing(t *testing.T) {
	awayBoard(t, func(p *script, asked func() (directory.Switch, func(error))) {
		p.in("code", call.Dialled{Agent: "olle", Target: "*21"})
		_, done := asked()
		p.send("code", bye)
		done(nil)
		p.in("late", call.Dialled{Agent: "olle", Target: "*21"})
		_, done = asked()
		p.after(confirmFor) // nobody answers
		if p.heard("sv-") || !p.over("late") {
			t.Error("a leg stands without end")
		}
		done(nil)
		p.after(time.Millisecond)
	})
}
