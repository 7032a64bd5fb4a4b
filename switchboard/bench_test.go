package switchboard

import (
	"context"
	"fmt"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/record"
	"telefonist/tariff"
)

type nowhere struct{ last call.LegID }

func (n *nowhere) Do(cmd call.SignalCommand) {
	if d, is := cmd.(call.Dial); is {
		n.last = d.Leg
	}
}

type silence struct{}

func (silence) Do(call.MediaCommand) {}

// atOnce is a store that has written before it is asked.
type atOnce struct{}

func (atOnce) Commit(_ record.Commit, done func(error)) { done(nil) }

func benchDirectory(b *testing.B) *directory.Directory {
	agents := []directory.Agent{{ID: "anna", Extension: "201", Kind: call.Service}}
	d, err := directory.New([]directory.Tenant{{ID: "t", Name: "T", Number: numbers[0], Trunk: "pbx", Rules: testRules(), Plan: tariff.DefaultPlan()}}, agents)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkCall is the loop's own work for one call from its arrival to the end of its conversation: eight turns, no
// store to wait for. The floor is what the mailbox alone costs for as many messages.
func BenchmarkCall(b *testing.B) {
	phones := &nowhere{}
	board := New(Config{Signals: phones, Media: silence{}, Store: atOnce{}, Directory: benchDirectory(b)})
	board.Registered("anna", true, time.Now())
	var spare []mail
	turn := func() {
		for len(board.box.mail) > 0 {
			spare = board.turn(spare)
		}
	}
	turn()
	b.Run("arrive, answer, end", func(b *testing.B) {
		b.ReportAllocs()
		events, n := 0, 0
		for b.Loop() {
			n++
			id := call.LegID(fmt.Sprint("in", n))
			board.Post(id, time.Now(), call.Arrived{Trunk: "pbx", Called: numbers[0], Caller: call.Party{Number: "+46700000001"}})
			turn()
			board.Post(phones.last, time.Now(), answers)
			turn()
			board.Post(id, time.Now(), bye)
			turn()
			events += 3
		}
		if len(board.calls) != 0 || len(board.timers) != 0 {
			b.Fatalf("%d calls are left", len(board.calls))
		}
		b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("floor: mailbox alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for range 7 {
				board.box.put(mail{posted: time.Now(), at: time.Now(), leg: "x", event: bye}, 0)
				spare = board.box.take(spare)
			}
		}
	})
}

// BenchmarkEvent is an event that changes nothing, through Post and the running loop.
func BenchmarkEvent(b *testing.B) {
	phones := &nowhere{}
	board := New(Config{Signals: phones, Media: silence{}, Store: atOnce{}, Directory: benchDirectory(b)})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); board.Run(ctx) }()
	settle := func() {
		for range 4 {
			if err := board.ask(ctx, func() {}); err != nil {
				b.Fatal(err)
			}
		}
	}
	board.Post("in", time.Now(), call.Arrived{Trunk: "pbx", Called: numbers[0]})
	settle()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		board.Post("in", time.Now(), call.PromptDone{})
		if n++; n%1024 == 0 {
			settle()
		}
	}
	settle()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
	cancel()
	<-done
}
