package flows

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"telefonist/call"
	"telefonist/queue"
	"telefonist/sip/softphone"
	"telefonist/switchboard"
)

// callers are people outside, by name, each with a number.
var callers = map[string]string{"kalle": "+46700000001", "lisa": "+46700000002", "maja": "+46700000003", "nils": "+46700000004", "olga": "+46700000005",
	"petra": "+46700000006", "rut": "+46700000007"}

// Numbers of the tenants.
const (
	acme = "+46850000001"
	beta = "+46850000002"
)

// settles is how long what people do has to take effect, before the next thing is done.
const settles = 200 * time.Millisecond

// openPhones opens the PBX and a phone for every agent who has one. A call that comes in rings until the scenario says more.
func (s *stage) openPhones() {
	for name, number := range callers {
		s.said.callers[number] = name
	}
	server := netip.MustParseAddrPort(serverAddr)
	var err error
	s.pbx, err = softphone.NewPBX(softphone.Config{Server: server, Conn: s.net.MustListen(pbxHost + ":5060"), OnCall: func(ctx context.Context, c *softphone.Call) {
		s.rings(ctx, s.said.caller(c.Invite().To), c)
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	for i, a := range s.dir().Agents() {
		if a.ViaTrunk != "" {
			continue
		}
		at := fmt.Sprintf("198.51.100.%d:5062", 20+i)
		p, err := softphone.New(softphone.Config{Server: server, Conn: s.net.MustListen(at), User: a.Extension, Password: string(a.Password),
			OnCall: func(ctx context.Context, c *softphone.Call) { s.rings(ctx, a.ID, c) }})
		if err != nil {
			s.t.Fatal(err)
		}
		s.phones[a.ID] = p
		s.said.hosts[at] = a.ID
		if err := p.Register(s.ctx); err != nil {
			s.t.Fatal(err)
		}
		s.after(time.Second) // each has been idle for longer than the next
	}
}

// rings is a call that somebody gets.
func (s *stage) rings(ctx context.Context, who string, c *softphone.Call) {
	c.Ring()
	s.has(who, c)
	if s.willing.Load() && softphone.Pause(ctx, second) && c.Answer() == nil && softphone.Pause(ctx, 3*second) {
		c.Hangup()
	}
	<-ctx.Done()
}

func (s *stage) has(who string, c *softphone.Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[who] = append(s.live[who], c)
}

// leg is the last call of somebody's that has not ended; nth is the first, the second of them.
func (s *stage) leg(who string) *softphone.Call { return s.nth(who, -1) }

func (s *stage) nth(who string, n int) *softphone.Call {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var live []*softphone.Call
	for _, c := range s.live[who] {
		select {
		case <-c.Ended():
		default:
			live = append(live, c)
		}
	}
	if n < 0 {
		n += len(live)
	}
	if n < 0 || n >= len(live) {
		s.t.Fatalf("%s has no such call", who)
	}
	return live[n]
}

// did lets what somebody did take effect, and fails where it could not be done.
func (s *stage) did(who string, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", who, err)
	}
	s.after(settles)
}

// calls has somebody call Acme, or another number by one more word; dials is an agent's phone.
func (s *stage) calls(who string, number ...string) {
	s.t.Helper()
	i := softphone.Invite{To: acme, From: callers[who]}
	if len(number) > 0 {
		i.To = number[0]
	}
	s.places(who, i)
}

func (s *stage) places(who string, i softphone.Invite) {
	s.t.Helper()
	c, err := s.pbx.Place(i)
	if err == nil {
		s.has(who, c)
	}
	s.did(who, err)
}

func (s *stage) dials(agent, number string) {
	s.t.Helper()
	c, err := s.phones[agent].Dial(number)
	if err == nil {
		s.has(agent, c)
	}
	s.did(agent, err)
}

func (s *stage) answers(who string)            { s.t.Helper(); s.did(who, s.leg(who).Answer()) }
func (s *stage) declines(who string, code int) { s.t.Helper(); s.did(who, s.leg(who).Reject(code)) }
func (s *stage) hangsUp(who string)            { s.t.Helper(); s.leg(who).Hangup(); s.did(who, nil) }
func (s *stage) holds(who string)              { s.t.Helper(); s.did(who, s.leg(who).Hold(s.ctx)) }
func (s *stage) resumes(who string)            { s.t.Helper(); s.did(who, s.leg(who).Resume(s.ctx)) }
func (s *stage) presses(who, key string)       { s.t.Helper(); s.did(who, s.leg(who).Press(s.ctx, key)) }

// refers connects directly by the phone's transfer key; completes connects who is held with who was called.
func (s *stage) refers(agent, to string) {
	s.t.Helper()
	_, err := s.leg(agent).Transfer(s.ctx, to)
	s.refused(err)
}

func (s *stage) completes(agent string) {
	s.t.Helper()
	_, err := s.nth(agent, -2).TransferTo(s.ctx, s.leg(agent))
	s.refused(err)
}

// refused takes a refusal as something that may happen: the transcript shows it.
func (s *stage) refused(err error) {
	var status *softphone.StatusError
	if err != nil && !errors.As(err, &status) {
		s.t.Error(err)
	}
	s.after(settles)
}

// desk is what a receptionist does by her console.
func (s *stage) desk(agent string, do call.Action, to ...string) switchboard.Done {
	s.t.Helper()
	return s.order(agent, switchboard.Order{Agent: agent, Do: do, To: strings.Join(to, "")})
}

// order writes down what is asked for and what was said to it.
func (s *stage) order(who string, o switchboard.Order) switchboard.Done {
	at := s.asks(who, strings.TrimSpace(fmt.Sprint(o.Do, " ", o.To)))
	done, err := s.board.Do(s.ctx, o)
	s.told(who, at, err)
	if done.Slot > 0 {
		s.said.add(who, asked, fmt.Sprint("desk: slot ", done.Slot))
	}
	s.after(settles)
	return done
}

func (s *stage) asks(who, what string) string {
	s.said.add(who, asked, "desk: "+what)
	return what
}

func (s *stage) told(who, what string, err error) {
	if err != nil {
		s.said.add(who, asked, "desk: not done: "+err.Error())
	}
}

// A supervisor steers the call of a caller.
const boss = "supervisor"

func (s *stage) supervises(caller string, o switchboard.Order) {
	s.t.Helper()
	o.Call = s.call(caller)
	s.order(boss, o)
}

// call is the live call of a caller.
func (s *stage) call(caller string) call.ID {
	s.t.Helper()
	now, err := s.board.Snapshot(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range now.Calls {
		if c.Caller == callers[caller] {
			return c.ID
		}
	}
	s.t.Fatalf("%s has no call: %s", caller, plain(now.Calls))
	return ""
}

func (s *stage) takes(caller, agent string) {
	s.t.Helper()
	at := s.asks(boss, "gives "+caller+" to "+agent)
	s.told(boss, at, s.board.Take(s.ctx, s.call(caller), agent, boss))
	s.after(settles)
}

func (s *stage) moves(caller string, position int) {
	s.t.Helper()
	at := s.asks(boss, fmt.Sprint("moves ", caller, " to ", position))
	s.told(boss, at, s.board.Move(s.ctx, s.call(caller), position, boss))
	s.after(settles)
}

func (s *stage) frees(agent string) {
	at := s.asks(boss, "frees "+agent)
	s.told(boss, at, s.board.FreeAgent(s.ctx, agent, boss))
	s.after(settles)
}

func (s *stage) sets(agent string, to queue.State, reason string) {
	at := s.asks(agent, strings.TrimSpace(fmt.Sprint(to, " ", reason)))
	s.told(agent, at, s.board.SetAgent(s.ctx, switchboard.AgentOrder{Agent: agent, To: to, Reason: reason, By: agent}))
	s.after(settles)
}

func (s *stage) picksUp(agent string, slot int) {
	at := s.asks(agent, fmt.Sprint("picks up ", slot))
	_, err := s.board.PickUp(s.ctx, agent, slot, "")
	s.told(agent, at, err)
	s.after(settles)
}

func (s *stage) callsOut(agent, tenant, to string) {
	at := s.asks(agent, "calls "+to+" for "+tenant)
	_, err := s.board.Dial(s.ctx, switchboard.Outgoing{Agent: agent, Tenant: tenant, To: to})
	s.told(agent, at, err)
	s.after(settles)
}
