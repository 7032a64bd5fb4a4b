package app_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"telefonist/sip/softphone"
)

// BenchmarkInviteToOK is a caller's way into the queue: INVITE on the trunk, the arrival durable in the journal, 200 on
// the wire. One call at a time, so each waits for a transaction of its own; the floor in the same run is what the disk
// asks for the two synced writes of such a transaction.
func BenchmarkInviteToOK(b *testing.B) {
	cfg := load(b, b.TempDir(), tenants)
	a := start(b, cfg)
	defer a.Stop(context.Background())
	pbx, err := softphone.NewPBX(softphone.Config{Listen: netip.MustParseAddrPort("127.31.0.2:0")})
	if err != nil {
		b.Fatal(err)
	}
	defer pbx.Close(context.Background())
	pbx.Connect(udpAddr(a))
	floor := syncFloor(b)
	var took []time.Duration
	for b.Loop() {
		begun := time.Now()
		c, err := pbx.Place(softphone.Invite{To: "+46850000001", From: "+46701740605"})
		if err != nil {
			b.Fatal(err)
		}
		select {
		case <-c.Answered():
		case <-c.Ended():
			b.Fatalf("refused: %v", c.Err())
		case <-time.After(10 * time.Second):
			b.Fatal("no answer")
		}
		took = append(took, time.Since(begun))
		b.StopTimer()
		c.Hangup()
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(floor.Microseconds())/1000, "floor-ms")
}

// syncFloor is the median time of two synced writes of 4 KiB, which is what one transaction of the store needs; syncTimes are
// all that were taken, in order of length.
func syncFloor(b *testing.B) time.Duration {
	took := syncTimes(b)
	return took[len(took)/2]
}

func syncTimes(b *testing.B) []time.Duration {
	f, err := os.Create(filepath.Join(b.TempDir(), "floor"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	var took []time.Duration
	for range 200 {
		begun := time.Now()
		for i := range 2 {
			if _, err := f.WriteAt(page, int64(i)*4096); err != nil {
				b.Fatal(err)
			}
			if err := syscall.Fdatasync(int(f.Fd())); err != nil {
				b.Fatal(err)
			}
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	return took
}
