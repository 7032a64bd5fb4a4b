package wire

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"

	"telefonist/internal/memnet"
)

// dialogs is a UAS that answers and notes what it saw of each call.
type dialogs struct {
	mu   sync.Mutex
	seen map[string][]string
}

func (d *dialogs) Request(req *sip.Request, tx *ServerTx, _ Source) {
	d.mu.Lock()
	id := req.CallID().Value()
	d.seen[id] = append(d.seen[id], string(req.Method))
	d.mu.Unlock()
	switch {
	case req.IsAck():
	case req.IsInvite():
		_ = tx.Respond(tx.NewResponse(180, "Ringing", nil))
		_ = tx.Respond(tx.NewResponse(486, "Busy Here", nil))
	default:
		_ = tx.Respond(tx.NewResponse(200, "OK", nil))
	}
}

func (d *dialogs) StrayResponse(*sip.Response, Source) {}

// TestTransactionsCompleteOverABadNetwork loses, doubles and reorders packets:
// every request still ends in its final response, and reaches the handler once.
func TestTransactionsCompleteOverABadNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(20260302, 1)) // the same in every run
		network := memnet.New()
		network.Hook(func(memnet.Packet) memnet.Fate {
			fate := memnet.Fate{time.Duration(rnd.IntN(50)) * time.Millisecond}
			switch p := rnd.IntN(100); {
			case p < 25:
				return memnet.Lose()
			case p < 40:
				fate = append(fate, time.Duration(rnd.IntN(500))*time.Millisecond)
			}
			return fate
		})
		uas := &dialogs{seen: make(map[string][]string)}
		var stacks []*Stack
		for _, a := range []string{ourAddr.String(), peerAddr.String()} {
			s, err := New(Config{PacketConns: []net.PacketConn{network.MustListen(a)}, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			s.Serve(uas)
			stacks = append(stacks, s)
		}
		const calls = 100
		ends := make(chan string, 2*calls)
		for i := range calls {
			for _, method := range []sip.RequestMethod{sip.INVITE, sip.OPTIONS} {
				req := outgoing(method)
				*req.CallID() = sip.CallIDHeader(fmt.Sprintf("%s-%d", method, i))
				req.AppendHeader(&sip.ContactHeader{Address: sip.Uri{Scheme: "sip", Host: "192.0.2.1"}})
				last := 0
				_, err := stacks[0].Send(t.Context(), req, Dest{Addr: peerAddr}, func(res *sip.Response) { last = res.StatusCode },
					func(err error) { ends <- fmt.Sprintf("%s %d %v", method, last, err) })
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		count := make(map[string]int)
		for range 2 * calls {
			count[<-ends]++
		}
		if count["INVITE 486 <nil>"] != calls || count["OPTIONS 200 <nil>"] != calls {
			t.Fatal(count)
		}
		time.Sleep(2 * time.Minute)
		for _, s := range stacks {
			s.mu.Lock()
			clients, servers := len(s.clients), len(s.servers)
			s.mu.Unlock()
			if clients+servers != 0 {
				t.Errorf("%d client and %d server transactions left", clients, servers)
			}
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
		for id, seen := range uas.seen {
			if len(seen) != 1 {
				t.Errorf("%s: the handler saw %v", id, seen)
			}
		}
	})
}
