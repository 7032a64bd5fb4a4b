package flows

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/internal/memnet"
	"telefonist/queue"
	"telefonist/sip/softphone"
	"telefonist/switchboard"
)

var seed = flag.Uint64("seed", 0, "seed of random histories; 0 takes a new one")

var errDisk = errors.New("disk is full")

// storm is people who do whatever they like by phone, key and console, over a network that loses, doubles and reorders packets.
type storm struct {
	*stage
	rng     *rand.Rand // of the scenario's goroutine
	packets *rand.Rand // of the network's, which calls its hook one at a time
	agents  []string
	callers int
}

// stormy is a tenant of which everything is asked.
var stormy = two(`service: with_own, pool_after: 3s, ring_timeout: 6s, recall_after: 8s, park_recall: 15s, max_wait: 40s, overflow: forward, forward_to: "206",
   keys: {1: wish, 2: "forward 205", 3: "say sv-no-recording"}, at_limit: notify, hard_cap: 1m, whisper: acme`, "strategy: ring_all, ring_timeout: 8s, answer: ring",
	agent("anna", "wrap_up: 0s"), agent("bo", "wrap_up: 1s"), cia, olle)

// TestRandomCallsOverABadNetwork plays with real phones, real SIP and the real store. Whatever happens, in the end every call has ended on both
// sides, no agent is in one, and every record is what its story folds to. In every other history some writes of the store fail.
func TestRandomCallsOverABadNetwork(t *testing.T) {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	histories := 24
	if testing.Short() {
		histories = 6
	}
	for i := range histories {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Logf("-seed %d", s)
			play(t, stormy, func(st *stage) {
				c := &storm{stage: st, rng: rand.New(rand.NewPCG(s, uint64(i))), packets: rand.New(rand.NewPCG(s, uint64(1000+i))),
					agents: []string{"anna", "bo", "cia", "olle"}}
				if every := 2 + i%7; i%2 == 1 {
					st.gates.failing(func(n int) bool { return n%every == 0 })
				}
				c.blow()
			})
		})
	}
}

func (c *storm) blow() {
	clean := newWay()
	c.net.Hook(func(p memnet.Packet) memnet.Fate {
		usual := clean.fate(p)
		switch c.packets.IntN(12) {
		case 0:
			return memnet.Lose()
		case 1:
			return append(usual, usual[0]+time.Duration(c.packets.IntN(2000))*time.Millisecond)
		case 2:
			return memnet.Fate{usual[0] + time.Duration(c.packets.IntN(700))*time.Millisecond}
		}
		return usual
	})
	for range 90 {
		c.step()
		time.Sleep(time.Duration(c.rng.IntN(3000)) * time.Millisecond)
	}
	c.net.Hook(newWay().fate)
	c.calm()
}

// calm ends everything that goes on, in peace.
func (c *storm) calm() {
	c.gates.failing(nil)
	c.willing.Store(true)
	for range 60 { // call-backs that were wished for are tried three times, ten minutes apart
		time.Sleep(time.Minute)
		c.mu.Lock()
		all := c.live
		c.live = map[string][]*softphone.Call{}
		c.mu.Unlock()
		for _, calls := range all {
			for _, call := range calls {
				call.Hangup()
			}
		}
		for _, a := range c.agents {
			_ = c.board.SetAgent(c.ctx, switchboard.AgentOrder{Agent: a, To: queue.Available})
		}
	}
	time.Sleep(5 * time.Minute)
}

// some is any call that has not ended, of anybody whose name fits.
func (c *storm) some(fits func(who string) bool) (*softphone.Call, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string]*softphone.Call{}
	for who, calls := range c.live {
		for _, call := range calls {
			select {
			case <-call.Ended():
			default:
				if fits(who) {
					found[who] = call
				}
			}
		}
	}
	names := slices.Sorted(maps.Keys(found))
	if len(names) == 0 {
		return nil, ""
	}
	who := names[c.rng.IntN(len(names))]
	return found[who], who
}

func (c *storm) agent() string { return c.agents[c.rng.IntN(len(c.agents))] }

// soon does something that waits for an answer, which may never come.
func (c *storm) soon(f func(ctx context.Context)) {
	c.loops.Go(func() {
		ctx, cancel := context.WithTimeout(c.ctx, 40*time.Second)
		defer cancel()
		f(ctx)
	})
}

func (c *storm) step() {
	any := func(string) bool { return true }
	agents := func(who string) bool { return c.phones[who] != nil }
	switch c.rng.IntN(16) {
	case 0, 1, 2:
		c.callers++
		who := fmt.Sprintf("+4673%07d", c.callers)
		if in, err := c.pbx.Place(softphone.Invite{To: []string{acme, beta}[c.rng.IntN(2)], From: who}); err == nil {
			c.has(who, in)
		}
	case 3, 4, 5, 6:
		if call, _ := c.some(any); call != nil && call.Incoming() {
			if c.rng.IntN(5) == 0 {
				_ = call.Reject([]int{486, 603, 480, 500}[c.rng.IntN(4)])
			} else {
				_ = call.Answer()
			}
		}
	case 7:
		if call, _ := c.some(any); call != nil {
			call.Hangup()
		}
	case 8:
		if call, _ := c.some(agents); call != nil {
			resume := c.rng.IntN(2) == 0
			c.soon(func(ctx context.Context) {
				if resume {
					_ = call.Resume(ctx)
				} else {
					_ = call.Hold(ctx)
				}
			})
		}
	case 9:
		if call, _ := c.some(agents); call != nil {
			to := []string{"205", "207", "0900123456", "+46700000042"}[c.rng.IntN(4)]
			c.soon(func(ctx context.Context) { _, _ = call.Transfer(ctx, to) })
		}
	case 10:
		c.second()
	case 11:
		if call, _ := c.some(func(who string) bool { return c.phones[who] == nil }); call != nil {
			key := []string{"1", "2", "3", "9"}[c.rng.IntN(4)]
			c.soon(func(ctx context.Context) { _ = call.Press(ctx, key) })
		}
	case 12:
		c.comeAndGo()
	default:
		c.console()
	}
}

// second is a second call of an agent's phone: to announce somebody, or a code.
func (c *storm) second() {
	agent := c.agent()
	first, who := c.some(func(who string) bool { return who == agent })
	leg, err := c.phones[agent].Dial([]string{"205", "*15", "*161", "*17", "*131", "*14"}[c.rng.IntN(6)])
	if err != nil {
		return
	}
	c.has(agent, leg)
	if who == "" || c.rng.IntN(2) == 0 {
		return
	}
	c.soon(func(ctx context.Context) {
		if softphone.Pause(ctx, 4*time.Second) {
			_, _ = first.TransferTo(ctx, leg)
		}
	})
}

// comeAndGo is an agent whose phone or who herself vanishes for a while.
func (c *storm) comeAndGo() {
	agent, phone := c.agent(), c.rng.IntN(2) == 0
	c.soon(func(ctx context.Context) {
		if phone {
			_ = c.phones[agent].Unregister(ctx)
		} else {
			_ = c.board.SetAgent(ctx, switchboard.AgentOrder{Agent: agent, To: queue.Offline})
		}
		_ = softphone.Pause(ctx, 5*time.Second)
		_ = c.phones[agent].Register(ctx)
		_ = c.board.SetAgent(ctx, switchboard.AgentOrder{Agent: agent, To: queue.Available})
	})
}

func (c *storm) console() {
	o := switchboard.Order{Agent: c.agent(), Do: call.Actions[c.rng.IntN(len(call.Actions))],
		To: []string{"", "205", "+46700000042", "agent:bo", "group:norr"}[c.rng.IntN(5)], Grant: 10 * time.Second}
	switch c.rng.IntN(8) {
	case 0:
		_ = c.board.FreeAgent(c.ctx, o.Agent, boss)
	case 1:
		_, _ = c.board.PickUp(c.ctx, o.Agent, 1+c.rng.IntN(2), "")
	case 2:
		_, _ = c.board.Dial(c.ctx, switchboard.Outgoing{Agent: o.Agent, Tenant: "acme", To: "208"})
	default:
		_, _ = c.board.Do(c.ctx, o)
	}
}
