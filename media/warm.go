package media

import "unsafe"

// A leg's turn comes every 20 ms, and with a thousand calls its memory is in no cache by then: each line of it that is touched would
// be waited for, one after the other. So the memory of the next legs is asked for together, before the first of them is handled.

// warmAtOnce is for how many legs that is done: few enough for the nearest cache.
const warmAtOnce = 16

// warmStages is how many there are of warm.
const warmStages = 3

const (
	inboundLines  = int(unsafe.Offsetof(inbound{}.rtcpPin)+cacheLine-1) / cacheLine
	outboundLines = int(unsafe.Sizeof(outbound{})+cacheLine-1) / cacheLine
	flowLines     = 2 // as far as its socket for RTP
)

// flowAt is where an outbound has the pointer to its flow: the second word of an interface.
const flowAt = unsafe.Offsetof(outbound{}.flow) + unsafe.Sizeof(uintptr(0))

// warm hints that a packet of the leg's far side is soon handled and relayed. Each stage leads to the next, so some time
// should lie between: that of the same stage of other legs.
func (l *leg) warm(stage int) {
	to := unsafe.Pointer(&l.in.to[0])
	switch stage {
	case 0:
		prefetch(unsafe.Pointer(&l.in), inboundLines)
		prefetch(unsafe.Pointer(&l.counts), 1)
	case 1:
		prefetchBehind(to, unsafe.Offsetof(l.out), outboundLines)
	case 2:
		prefetchBeyond(to, unsafe.Offsetof(l.out)+flowAt, 0, flowLines)
	}
}

// warmOut hints that legs are soon sent something of our own.
func warmOut(legs []*leg) {
	for _, l := range legs {
		prefetch(unsafe.Pointer(&l.counts), outboundLines+1)
	}
	for _, l := range legs {
		prefetchBehind(unsafe.Pointer(&l.out.play), 0, int(unsafe.Sizeof(playback{})+cacheLine-1)/cacheLine)
		prefetchBehind(unsafe.Add(unsafe.Pointer(&l.out), flowAt), 0, flowLines)
	}
}
