package wire

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestMessagesDoNotComeAtThePaceOfOthersWork reads 1,000 messages while others take a while whenever they are let run.
func TestMessagesDoNotComeAtThePaceOfOthersWork(t *testing.T) {
	for _, c := range []struct {
		take  time.Duration
		turns int
	}{
		{0, 1000},
		{longYield, 1000},
		{longYield + 1, 50}, // of some 20 messages each
		{80 * time.Millisecond, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			turns := 0
			y := yielder{yield: func() {
				turns++
				time.Sleep(c.take)
			}}
			for range 1000 {
				y.turn()
				time.Sleep(time.Millisecond)
			}
			if turns != c.turns {
				t.Errorf("others that take %v were let run %d times, want %d", c.take, turns, c.turns)
			}
		})
	}
}
