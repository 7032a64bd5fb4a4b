package media

import "unsafe"

// A leg's turn comes every 20 ms, and with a thousand calls its memory is in no cache by then: each line of it that is touched would
// be waited for, one after the other. So the memory of the next legs is asked for together, before the first of them is handled.

// warmAtOnce is for how many legs that is done: few enough for the nearest cache.
const warmAtOnce = 16

const (
	inboundLines  = int(unsafe.Offsetof(inbound{}.rtcpPin)+cacheLine-1) / cacheLine
	outboundLines = int(unsafe.Sizeof(outbound{})+cacheLine-1) / cacheLine
	flowLines     = 2 // as far as its socket for RTP
)

// warm hints that a packet of the leg's far side is soon handled.
func (l *leg) warm() {
	prefetch(unsafe.Pointer(&l.in), inboundLines)
	prefetch(unsafe.Pointer(&l.counts), 1)
}

// warmNext hints, some time after warm, that it is relayed.
func (l *leg) warmNext() {
	prefetchBehind(unsafe.Pointer(&l.in.to[0]), unsafe.Offsetof(l.out), outboundLines)
}

// warmOut hints that legs are soon sent something of our own.
func warmOut(legs []*leg) {
	for _, l := range legs {
		prefetch(unsafe.Pointer(&l.counts), outboundLines+1)
	}
	for _, l := range legs {
		prefetchBehind(unsafe.Pointer(&l.out.play), 0, int(unsafe.Sizeof(playback{})+cacheLine-1)/cacheLine)
		prefetchBehind(unsafe.Add(unsafe.Pointer(&l.out.flow), unsafe.Sizeof(uintptr(0))), 0, flowLines)
	}
}
