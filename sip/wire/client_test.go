package wire

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
)

// outgoing builds a request of ours.
func outgoing(method sip.RequestMethod) *sip.Request {
	req := sip.NewRequest(method, sip.Uri{Scheme: "sip", User: "alice", Host: "192.0.2.10"})
	from := &sip.FromHeader{Address: sip.Uri{Scheme: "sip", User: "us", Host: "192.0.2.1"}, Params: sip.NewParams()}
	from.Params.Add("tag", "ourtag")
	id := sip.CallIDHeader("out-1")
	for _, h := range []sip.Header{
		from, &sip.ToHeader{Address: sip.Uri{Scheme: "sip", User: "alice", Host: "192.0.2.10"}}, &id,
		&sip.CSeqHeader{SeqNo: 7, MethodName: method},
	} {
		req.AppendHeader(h)
	}
	return req
}

// invite sends an INVITE of ours; what happens to it is noted.
func (w *world) invite(ctx context.Context) *ClientTx {
	w.t.Helper()
	req := outgoing(sip.INVITE)
	req.AppendHeader(sip.NewHeader("Route", "<sip:192.0.2.10;lr>"))
	tx, err := w.stack.Send(ctx, req, Dest{Addr: peerAddr},
		func(res *sip.Response) { w.note(fmt.Sprint(res.StatusCode)) },
		func(err error) { w.note(fmt.Sprintf("done %v", err)) })
	if err != nil {
		w.t.Fatal(err)
	}
	return tx
}

// reply answers a request of ours as the peer.
func (w *world) reply(req *sip.Request, code int, tag string) {
	res := sip.NewResponseFromRequest(req, code, "Reply", nil)
	res.To().Params.Add("tag", tag)
	w.send(res.String())
}

func TestBurstOfResponsesIsDeliveredWholeAndInOrder(t *testing.T) {
	for range 50 {
		inWorld(t, Config{}, func(w *world) {
			tx := w.invite(w.t.Context())
			for _, code := range []int{100, 180, 183, 180, 200, 200} {
				w.reply(tx.Request(), code, "b")
			}
			w.reply(tx.Request(), 200, "forked")
			if got := w.told(); got != "100, 180, 183, 180, 200, done <nil>, stray 200 b, stray 200 forked" {
				t.Fatal(got)
			}
			if len(w.stack.clients) != 0 {
				t.Fatal("transaction kept")
			}
		})
	}
}

func TestCancelWaitsForAProvisionalResponse(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		tx := w.invite(w.t.Context())
		w.stack.Cancel(tx)
		w.stack.Cancel(tx)
		w.expectSent("INVITE sip:alice@192.0.2.10 SIP/2.0")
		w.reply(tx.Request(), 180, "b")
		w.expectSent("INVITE sip:alice@192.0.2.10 SIP/2.0", "CANCEL sip:alice@192.0.2.10 SIP/2.0")
		cancel := w.last().(*sip.Request)
		if cancel.Via().Value() != tx.Request().Via().Value() || cancel.CSeq().Value() != "7 CANCEL" ||
			cancel.Route() == nil || cancel.Route().Value() != "<sip:192.0.2.10;lr>" || cancel.To().Params.Has("tag") {
			t.Fatalf("CANCEL does not match its INVITE:\n%s", cancel)
		}
		w.reply(cancel, 200, "b")
		w.reply(tx.Request(), 487, "b")
		if got := w.told(); got != "180, 487, done <nil>" {
			t.Fatal(got)
		}
		ack := w.last().(*sip.Request)
		tag, _ := ack.To().Params.Get("tag")
		if !ack.IsAck() || ack.CSeq().Value() != "7 ACK" || ack.Via().Value() != tx.Request().Via().Value() || tag != "b" {
			t.Fatalf("ACK of 487:\n%s", ack)
		}
	})
}

func TestCancelCrossedBy200IsNotHidden(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		tx := w.invite(w.t.Context())
		w.reply(tx.Request(), 180, "b")
		w.told()
		w.stack.Cancel(tx)
		w.reply(tx.Request(), 200, "b")
		if got := w.told(); got != "180, 200, done <nil>" {
			t.Fatal(got)
		}
	})
}

func TestCancelAfterAFinalResponseSendsNothing(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		tx := w.invite(w.t.Context())
		w.reply(tx.Request(), 180, "b")
		w.reply(tx.Request(), 200, "b")
		w.told()
		w.stack.Cancel(tx)
		w.expectSent("INVITE sip:alice@192.0.2.10 SIP/2.0")
	})
}

func TestCancelledInviteWithoutAnswerTimesOut(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		tx := w.invite(w.t.Context())
		w.reply(tx.Request(), 180, "b")
		w.told()
		w.stack.Cancel(tx)
		time.Sleep(33 * time.Second)
		if got := w.told(); got != "180, done "+ErrTimeout.Error() {
			t.Fatal(got)
		}
	})
}

func TestRepeatedRefusalIsAcknowledgedAtOnce(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		tx := w.invite(w.t.Context())
		start := time.Now()
		for range 3 {
			w.reply(tx.Request(), 486, "b")
		}
		if got := w.told(); got != "486, done <nil>" || time.Since(start) != 0 {
			t.Fatal(got, time.Since(start))
		}
		w.expectSent("INVITE sip:alice@192.0.2.10 SIP/2.0", "ACK sip:alice@192.0.2.10 SIP/2.0",
			"ACK sip:alice@192.0.2.10 SIP/2.0", "ACK sip:alice@192.0.2.10 SIP/2.0")
	})
}

func TestRequestWithoutAnswerIsRepeatedAndTimesOut(t *testing.T) {
	for _, method := range []sip.RequestMethod{sip.INVITE, sip.OPTIONS} {
		t.Run(string(method), func(t *testing.T) {
			inWorld(t, Config{}, func(w *world) {
				_, err := w.stack.Send(w.t.Context(), outgoing(method), Dest{Addr: peerAddr}, nil,
					func(err error) { w.note(fmt.Sprintf("done %v", err)) })
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(32*time.Second - 1)
				if got := w.told(); got != "" {
					t.Fatal(got)
				}
				time.Sleep(1)
				if got := w.told(); got != "done "+ErrTimeout.Error() {
					t.Fatal(got)
				}
				if n := len(w.sent()); n < 7 {
					t.Fatalf("sent %d times", n)
				}
			})
		})
	}
}

func TestResponseFromAnotherAddressIsIgnored(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		thief := w.net.MustListen("192.0.2.66:5060")
		defer thief.Close()
		tx := w.invite(w.t.Context())
		thief.Send([]byte(sip.NewResponseFromRequest(tx.Request(), 200, "OK", nil).String()), ourAddr)
		if got := w.told(); got != "" || w.refused(refusedSource) != 1 {
			t.Fatal(got)
		}
	})
}

func TestResponsesNobodyWaitsForAreCounted(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		req := outgoing(sip.BYE)
		w.stack.stampRequest(req, w.stack.socks[0].flow(peerAddr))
		w.reply(req, 200, "b")
		twoVias := sip.NewResponseFromRequest(req, 200, "OK", nil)
		twoVias.PrependHeader(req.Via().Clone())
		w.send(twoVias.String())
		if got := w.told(); got != "" || w.refused(refusedStray) != 2 {
			t.Fatal(got, w.refused(refusedStray))
		}
	})
}

func TestContextEndsAClientTransaction(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		w.invite(ctx)
		time.Sleep(2 * time.Second)
		if got := w.told(); got != "done context deadline exceeded" || len(w.stack.clients) != 0 {
			t.Fatal(got)
		}
	})
}

func TestAckOf2xxHasABranchOfItsOwn(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		tx := w.invite(w.t.Context())
		w.reply(tx.Request(), 200, "b")
		w.told()
		if err := w.stack.WriteStateless(outgoing(sip.ACK), Dest{Addr: peerAddr}); err != nil {
			t.Fatal(err)
		}
		ack := w.last().(*sip.Request)
		a, _ := ack.Via().Params.Get("branch")
		b, _ := tx.Request().Via().Params.Get("branch")
		if a == b || !ack.IsAck() {
			t.Fatal(ack)
		}
	})
}

func TestControlBytesNeverLeave(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		req := outgoing(sip.OPTIONS)
		req.AppendHeader(sip.NewHeader("Subject", "x\r\nEvil: 1"))
		_, err := w.stack.Send(w.t.Context(), req, Dest{Addr: peerAddr}, nil, func(error) { w.note("done") })
		if !errors.Is(err, ErrUnsafe) {
			t.Fatal(err)
		}
		w.expectSent()
		if got := w.told(); got != "" || len(w.stack.clients) != 0 {
			t.Fatal("a callback was called, or the transaction kept:", got)
		}
	})
}

func TestCloseEndsTransactions(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.request = func(req *sip.Request, tx *ServerTx) { tx.OnDone(func(err error) { w.note("server done") }) }
		w.send(request("INVITE"))
		w.told()
		w.invite(w.t.Context())
		if err := w.stack.Close(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		got := w.told()
		if !strings.Contains(got, "done "+ErrClosed.Error()) || !strings.Contains(got, "server done") {
			t.Fatal(got)
		}
		if _, err := w.stack.Send(w.t.Context(), outgoing(sip.BYE), Dest{Addr: peerAddr}, nil, nil); !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
	})
}

func TestHandlerMaySendFromACallback(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		_, err := w.stack.Send(w.t.Context(), outgoing(sip.OPTIONS), Dest{Addr: peerAddr}, func(*sip.Response) {
			if _, err := w.stack.Send(w.t.Context(), outgoing(sip.BYE), Dest{Addr: peerAddr}, nil, nil); err != nil {
				t.Error(err)
			}
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.reply(w.last().(*sip.Request), 200, "b")
		w.expectSent("OPTIONS sip:alice@192.0.2.10 SIP/2.0", "BYE sip:alice@192.0.2.10 SIP/2.0")
	})
}
