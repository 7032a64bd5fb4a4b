package message_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"telefonist/call"
	"telefonist/message"
	"telefonist/record"
)

// logged is everything that the tests of this package made the outbox log.
var logged struct {
	sync.Mutex
	bytes.Buffer
}

type logWriter struct{}

func (logWriter) Write(p []byte) (int, error) {
	logged.Lock()
	defer logged.Unlock()
	return logged.Buffer.Write(p)
}

func (w *world) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(io.MultiWriter(w.t.Output(), logWriter{}), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestAMessageOfACommitIsSentOnce(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.run()
		m := sms("m1", "acme", number(1))
		m.Call = "c1"
		commit := record.Commit{Call: "c1", Head: &record.Head{Call: "c1", Received: time.Now(), Rules: call.Rules{Tenant: "acme"}}, Messages: []record.Message{m, m}}
		for range 2 { // as a switchboard does that had no answer
			done := make(chan error, 1)
			w.store.Commit(commit, func(err error) { done <- err })
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if got := keys(w.gw.attempts()); !slices.Equal(got, []string{"m1"}) {
			t.Errorf("attempts %v", got)
		}
		o := w.is("m1", record.MessageSent)
		if o.Attempts != 1 || o.GatewayID != "gw-m1" || o.Gateway != "test" || o.Uncertain != 0 || o.Sent.IsZero() {
			t.Errorf("%+v", o)
		}
	})
}

func TestAGatewayThatIsDownForAnHourLosesNothing(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.gw.answer = func(int, record.Outgoing) error {
			if time.Since(w.gw.began) < time.Hour {
				return &message.Failure{Code: "network", Gateway: true}
			}
			return nil
		}
		w.run()
		const n = 120
		for i := range n { // two a minute
			w.queue(sms(fmt.Sprintf("m%03d", i), fmt.Sprintf("tenant%d", i%6), number(i%30)))
			time.Sleep(30 * time.Second)
		}
		time.Sleep(2 * time.Minute)
		took := w.gw.taken()
		if len(took) != n {
			t.Fatalf("%d of %d were sent", len(took), n)
		}
		last := map[string]string{}
		for _, s := range took {
			if s.key < last[s.to] {
				t.Errorf("%s was sent behind %s to the same number", s.key, last[s.to])
			}
			last[s.to] = s.key
		}
		if down := len(w.gw.attempts()) - n; down < 30 || down > 150 {
			t.Errorf("%d attempts while the gateway was down", down)
		}
		for i := range n {
			w.is(fmt.Sprintf("m%03d", i), record.MessageSent)
		}
	})
}

func TestARestartSendsTheSameKeyAgain(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.queue(sms("m1", "acme", number(1)), sms("m2", "acme", number(2)))
		done := make(chan error, 1) // as a process does that dies behind the claim
		w.store.UpdateMessage("m1", func(o *record.Outgoing) error { return o.Claim(time.Now(), "test") }, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		w.close()
		w.open()
		w.run()
		synctest.Wait()
		if got := keys(w.gw.taken()); len(got) != 2 || !slices.Contains(got, "m1") {
			t.Errorf("sent %v", got)
		}
		if o := w.is("m1", record.MessageSent); o.Uncertain != 1 || o.Attempts != 2 {
			t.Errorf("uncertain %d of %d attempts", o.Uncertain, o.Attempts)
		}
	})
}

func TestStoppingWaitsForAttemptsAndLosesNothing(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.gw.answer = func(n int, _ record.Outgoing) error {
			time.Sleep([]time.Duration{2 * time.Second, time.Hour}[n%2])
			return nil
		}
		w.cfg.Timeout = time.Minute
		w.run()
		w.queue(sms("m1", "acme", number(1)))
		synctest.Wait()
		begin := time.Now()
		w.halt()
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("stopping took %v", took)
		}
		w.is("m1", record.MessageSent)
	})
}

func TestFailedAttemptsBackOffAndEndInADeadLetter(t *testing.T) {
	inWorld(t, message.Config{Retry: message.Retry{First: 10 * time.Second, Max: time.Hour, GiveUp: 24 * time.Hour}}, func(w *world) {
		w.gw.answer = func(int, record.Outgoing) error { return &message.Failure{Code: "smtp 450 4.2.0", Detail: "later"} }
		w.run()
		w.queue(sms("m1", "acme", number(1)))
		time.Sleep(24*time.Hour - time.Second)
		w.is("m1", record.MessageQueued)
		time.Sleep(2 * time.Second)
		o := w.is("m1", record.MessageFailed)
		all := w.gw.attempts()
		if last := all[len(all)-1].at; last < 24*time.Hour || last > 24*time.Hour+time.Second || o.Code != "smtp 450 4.2.0" || o.Detail != "later" {
			t.Errorf("last attempt at %v: %s %s", last, o.Code, o.Detail)
		}
		for i := 1; i < len(all)-1; i++ {
			base := min(10*time.Second<<min(i-1, 10), time.Hour)
			if pause := all[i].at - all[i-1].at; pause < base/2 || pause > base+time.Second {
				t.Errorf("pause %d is %v, want %v to %v", i, pause, base/2, base)
			}
		}
		if len(all) < 25 || len(all) > 60 {
			t.Errorf("%d attempts", len(all))
		}
	})
}

func TestADeadLetterIsSentAgainUnderANewKey(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.gw.answer = func(n int, _ record.Outgoing) error {
			if n == 0 {
				return &message.Failure{Code: "http 400", Permanent: true}
			}
			return nil
		}
		w.run()
		w.queue(sms("m1", "acme", number(1)))
		synctest.Wait()
		w.is("m1", record.MessageFailed)
		if _, err := w.box.Resend("m1", "cli"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.is("m1", record.MessageSent)
		if got := keys(w.gw.attempts()); !slices.Equal(got, []string{"m1", "m1.1"}) {
			t.Errorf("keys %v", got)
		}
		if _, err := w.box.Resend("m1", "cli"); !errors.Is(err, record.ErrMessageState) {
			t.Errorf("sent again: %v", err)
		}
		if _, err := w.box.Resend("m9", "cli"); !errors.Is(err, record.ErrNoMessage) {
			t.Errorf("unknown: %v", err)
		}
		if err := w.box.Receive("m1", record.Receipt{State: record.MessageFailed}); err != nil {
			t.Fatal(err)
		}
		w.is("m1", record.MessageSent) // it was of the first sending
		if err := w.box.Receive("m1.1", record.Receipt{State: record.MessageFailed, Code: "dsn failed 5.1.1"}); err != nil {
			t.Fatal(err)
		}
		if o := w.is("m1", record.MessageFailed); o.Code != "dsn failed 5.1.1" {
			t.Errorf("code %q", o.Code)
		}
	})
}

func TestTenantsTakeTurnsAndKeepTheirRates(t *testing.T) {
	inWorld(t, message.Config{Rate: 60, Parallel: 1}, func(w *world) {
		for i := range 100 {
			w.queue(sms(fmt.Sprintf("big%03d", i), "big", number(i)))
		}
		w.queue(sms("small", "small", number(999)))
		w.run()
		synctest.Wait()
		took := w.gw.taken()
		if i := slices.Index(keys(took), "small"); i < 0 || i > 1 {
			t.Errorf("the small tenant's message was number %d", i)
		}
		if len(took) != 16 { // a quarter of a minute's, and the small one's
			t.Errorf("%d were sent at once", len(took))
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := len(w.gw.taken()); n < 45 || n > 47 {
			t.Errorf("%d were sent after 30 s", n)
		}
		time.Sleep(time.Minute)
		if n := len(w.gw.taken()); n != 101 {
			t.Errorf("%d were sent in the end", n)
		}
	})
}

func TestOrderPerRecipientYieldsOnlyToLongFailure(t *testing.T) {
	inWorld(t, message.Config{OrderFor: 10 * time.Minute, Retry: message.Retry{First: time.Minute, Max: time.Minute}}, func(w *world) {
		w.gw.answer = func(_ int, o record.Outgoing) error {
			if o.Message.ID == "m1" {
				return &message.Failure{Code: "http 422"}
			}
			return nil
		}
		w.run()
		w.queue(sms("m1", "acme", number(1)), sms("m2", "acme", number(1)), sms("m3", "acme", number(2)), sms("m4", "acme", number(1)))
		time.Sleep(9 * time.Minute)
		if got := keys(w.gw.taken()); !slices.Equal(got, []string{"m3"}) {
			t.Errorf("sent %v", got)
		}
		time.Sleep(3 * time.Minute)
		if got := keys(w.gw.taken()); !slices.Equal(got, []string{"m3", "m2", "m4"}) {
			t.Errorf("sent %v", got)
		}
		w.is("m1", record.MessageQueued)
	})
}

func TestAGatewayInHasteIsLeftAloneAsLongAsItAsks(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.gw.answer = func(n int, _ record.Outgoing) error {
			if n == 0 {
				return &message.Failure{Code: "http 429", Gateway: true, After: 10 * time.Minute}
			}
			return nil
		}
		w.run()
		w.queue(sms("m1", "acme", number(1)))
		synctest.Wait()
		w.queue(sms("m2", "beta", number(2)))
		time.Sleep(10*time.Minute - time.Nanosecond)
		synctest.Wait()
		if n := len(w.gw.attempts()); n != 1 {
			t.Errorf("%d attempts while it was to be left alone", n)
		}
		if v := w.metric("telefonist_messages_gateway_up", "sms"); v != 0 {
			t.Errorf("gateway_up %v", v)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if n := len(w.gw.taken()); n != 2 {
			t.Errorf("%d sent", n)
		}
		if v := w.metric("telefonist_messages_gateway_up", "sms"); v != 1 {
			t.Errorf("gateway_up %v", v)
		}
	})
}

func TestAReceiptThatOvertakesTheAnswerCounts(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.gw.answer = func(n int, o record.Outgoing) error {
			if err := w.box.Receive(o.Key(), record.Receipt{State: record.MessageDelivered, Code: "ok"}); err != nil {
				t.Error(err)
			}
			if o.Message.ID == "m2" {
				return &message.Failure{Code: "timeout", Uncertain: true}
			}
			return nil
		}
		w.run()
		w.queue(sms("m1", "acme", number(1)), sms("m2", "acme", number(2)))
		time.Sleep(time.Hour)
		for _, id := range []string{"m1", "m2"} {
			if o := w.is(id, record.MessageDelivered); o.Attempts != 1 || o.Ended.IsZero() || o.Sent.IsZero() {
				t.Errorf("%+v", o)
			}
		}
	})
}

func TestAPanickingTransportCostsOneAttempt(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.gw.answer = func(n int, _ record.Outgoing) error {
			if n == 0 {
				panic("boom")
			}
			return nil
		}
		w.run()
		w.queue(sms("m1", "acme", number(1)))
		time.Sleep(time.Minute)
		if o := w.is("m1", record.MessageSent); o.Attempts != 2 || o.Uncertain != 1 {
			t.Errorf("%+v", o)
		}
	})
}

func TestMessagesWithoutAGatewayWaitForOne(t *testing.T) {
	inWorld(t, message.Config{Transports: map[record.Channel]message.Transport{}}, func(w *world) {
		w.run()
		w.queue(sms("m1", "acme", number(1)))
		time.Sleep(48 * time.Hour)
		w.is("m1", record.MessageQueued)
		w.halt()
		w.cfg.Transports = nil
		w.run()
		synctest.Wait()
		w.is("m1", record.MessageSent)
	})
}

func TestOldMessagesAreDeletedOnceTheyWaitNoLonger(t *testing.T) {
	inWorld(t, message.Config{Keep: 30 * 24 * time.Hour}, func(w *world) {
		w.gw.answer = func(_ int, o record.Outgoing) error {
			if o.Message.ID == "m2" {
				return &message.Failure{Code: "http 500", Gateway: false}
			}
			return nil
		}
		w.cfg.Retry = message.Retry{Max: 12 * time.Hour, GiveUp: 1000 * time.Hour}
		w.run()
		w.queue(sms("m1", "acme", number(1)), sms("m2", "acme", number(2)))
		time.Sleep(31 * 24 * time.Hour)
		if _, err := w.store.Message("m1"); !errors.Is(err, record.ErrNoMessage) {
			t.Errorf("still there: %v", err)
		}
		w.is("m2", record.MessageQueued)
	})
}

func TestADeadLetterIsKeptFromWhenItFailed(t *testing.T) {
	const day = 24 * time.Hour
	inWorld(t, message.Config{Keep: day, Retry: message.Retry{First: 6 * time.Hour, Max: 12 * time.Hour, GiveUp: day}}, func(w *world) {
		w.gw.answer = func(_ int, o record.Outgoing) error {
			if o.Resent > 0 {
				return nil
			}
			return &message.Failure{Code: "http 500"}
		}
		w.run()
		w.queue(sms("m1", "acme", number(1)), sms("m2", "acme", number(2)))
		time.Sleep(day + 3*time.Hour)
		w.is("m1", record.MessageFailed)
		w.is("m2", record.MessageFailed)
		time.Sleep(20 * time.Hour)
		if _, err := w.box.Resend("m2", "test"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(day / 2)
		w.is("m2", record.MessageSent)
		if _, err := w.store.Message("m1"); !errors.Is(err, record.ErrNoMessage) {
			t.Errorf("the dead letter is still there: %v", err)
		}
		time.Sleep(day)
		if _, err := w.store.Message("m2"); !errors.Is(err, record.ErrNoMessage) {
			t.Errorf("what was sent is still there: %v", err)
		}
	})
}

// A gateway that honours keys, answers at random and breaks connections behind the last byte, and an outbox that is
// restarted now and then: every message arrives, and each once.
func TestRandomHistoriesSendEveryMessageOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range uint64(2) {
		inWorld(t, message.Config{Rate: 600, Retry: message.Retry{First: time.Second, Max: time.Minute}}, func(w *world) {
			rnd := rand.New(rand.NewPCG(seed, round))
			var mu sync.Mutex
			arrived := map[string]int{}
			w.gw.answer = func(_ int, o record.Outgoing) error {
				mu.Lock()
				defer mu.Unlock()
				switch rnd.IntN(8) {
				case 0:
					return &message.Failure{Code: "http 503", Gateway: true}
				case 1:
					return &message.Failure{Code: "http 409"}
				case 2: // taken, but the answer is lost
					arrived[o.Key()] = 1
					return &message.Failure{Code: "timeout", Gateway: true, Uncertain: true}
				}
				arrived[o.Key()] = 1
				return nil
			}
			w.run()
			const n = 80
			for i := range n {
				w.queue(sms(fmt.Sprintf("m%03d", i), fmt.Sprintf("tenant%d", i%5), number(i%20)))
				mu.Lock()
				pause, restart := time.Duration(rnd.IntN(10))*time.Second, rnd.IntN(15) == 0
				mu.Unlock()
				time.Sleep(pause)
				if restart {
					w.halt()
					w.close()
					w.open()
					w.run()
				}
			}
			time.Sleep(6 * time.Hour)
			mu.Lock()
			defer mu.Unlock()
			if len(arrived) != n {
				t.Errorf("%d of %d arrived", len(arrived), n)
			}
			for i := range n {
				w.is(fmt.Sprintf("m%03d", i), record.MessageSent)
			}
			if v := w.metric("telefonist_messages_waiting", "sms"); v != 0 {
				t.Errorf("%v are said to wait", v)
			}
		})
	}
}

// metric gives a series of a channel.
func (w *world) metric(name, channel string) float64 {
	w.t.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == name && slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetValue() == channel }) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	w.t.Fatalf("no %s of %s", name, channel)
	return 0
}

func TestLogsHoldNeitherTextsNorAddresses(t *testing.T) {
	inWorld(t, message.Config{}, func(w *world) {
		w.gw.answer = func(n int, o record.Outgoing) error {
			return []error{nil, &message.Failure{Code: "http 400", Detail: "hemlig text to " + o.Message.To.Address, Permanent: true},
				&message.Failure{Code: "http 500", Detail: "hemlig text"}, errors.New("hemlig text")}[n%4]
		}
		w.run()
		for i := range 8 {
			w.queue(sms(fmt.Sprintf("m%d", i), "acme", number(i)))
		}
		time.Sleep(time.Minute)
	})
	logged.Lock()
	defer logged.Unlock()
	text := logged.String()
	if !strings.Contains(text, "http 400") {
		t.Fatal("nothing was logged")
	}
	for _, secret := range []string{"hemlig", "+4670123", "70123000"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
