package wire

import "time"

const (
	// longYield is how long others take at most before the reader's turn comes again, where a processor is free.
	longYield = time.Millisecond
	// yieldRest is how many times as long as a yield took there is none, where it took longer.
	yieldRest = 20
)

// yielder lets others run before the next message is read. Where they keep all processors busy, with an import for example, each such
// turn takes them 10 ms apiece: then the reader keeps its turn for a while, for messages must not come at their pace.
type yielder struct {
	yield func()
	rest  time.Time // when there is a yield again
}

func (y *yielder) turn() {
	began := time.Now()
	if began.Before(y.rest) {
		return
	}
	y.yield()
	if took := time.Since(began); took > longYield {
		y.rest = began.Add(yieldRest * took)
	}
}
