package app_test

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"telefonist/app"
	"telefonist/call"
	"telefonist/record"
	"telefonist/sip/softphone"
	"telefonist/store"
	"telefonist/web"
)

// TestAPlaceInLineIsFoundInTheRecordsAtStart: a caller whom the end of the process before this one cut off stands before one who called
// again sooner, and had come later.
func TestAPlaceInLineIsFoundInTheRecordsAtStart(t *testing.T) {
	dir := t.TempDir()
	files, err := store.Open(dir, store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	first, second := "+46701112233", "+46704445566"
	came := time.Now().Add(-10 * time.Minute).Truncate(time.Millisecond)
	for i, caller := range []string{first, second} {
		at := came.Add(time.Duration(i) * time.Second)
		rec := record.Record{Call: call.ID("call-" + caller), Tenant: "acme", Number: "+46850000001", Received: at, Ended: time.Now(), Outcome: call.OutcomeInterrupted, Cause: call.CauseCrash,
			Parties: record.Parties{Caller: caller}, Story: []call.Entry{{Wall: at, Kind: call.KindQueued}}}
		files.Commit(record.Commit{Call: rec.Call, Final: &rec}, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	s := shift{Agents: 1}
	a := start(t, load(t, dir, s.tenants()))
	defer func() { _ = a.Stop(context.Background()) }()
	server := udpAddr(a)
	pbx, err := softphone.NewPBX(softphone.Config{Server: server, Listen: netip.MustParseAddrPort("127.31.0.2:0"), Keep: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer pbx.Close(context.Background())
	for _, caller := range []string{"+46707778899", second, first} {
		c, err := pbx.Place(softphone.Invite{To: "+46850000001", From: caller})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	desk, err := web.Dial(app.SocketPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close()
	snap, err := desk.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{first: 1, second: 2, "+46707778899": 3}
	for _, c := range snap.Calls {
		if c.Place != want[c.Caller] {
			t.Errorf("%s stands at %d, want %d", c.Caller, c.Place, want[c.Caller])
		}
	}
	if len(snap.Calls) != len(want) {
		t.Errorf("%d calls", len(snap.Calls))
	}
}
