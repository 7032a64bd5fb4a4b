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

// Where the parts of a leg are in it, and theirs in them.
const (
	inAt     = unsafe.Offsetof(leg{}.in)
	countsAt = unsafe.Offsetof(leg{}.counts)
	outAt    = unsafe.Offsetof(leg{}.out)
	toAt     = unsafe.Offsetof(inbound{}.to)
	flowAt   = unsafe.Offsetof(outbound{}.flow) + unsafe.Sizeof(uintptr(0)) // the second word of an interface
	playAt   = unsafe.Offsetof(outbound{}.play)
)

// part is a place in a leg. The address of a field would have the compiler look whether there is a leg, by reading of it: what is being
// fetched would be waited for at once.
func part(l *leg, offset uintptr) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(l), offset) }

// warm hints that a packet of the leg's far side is soon handled and relayed. Each stage leads to the next, so some time
// should lie between: that of the same stage of other legs.
func (l *leg) warm(stage int) {
	to := part(l, inAt+toAt)
	switch stage {
	case 0:
		prefetch(part(l, inAt), inboundLines)
		prefetch(part(l, countsAt), 1)
	case 1:
		prefetchBehind(to, outAt, outboundLines)
	case 2:
		prefetchBeyond(to, outAt+flowAt, 0, flowLines)
	}
}

// warmOut hints that legs are soon sent something of our own.
func warmOut(legs []*leg) {
	for _, l := range legs {
		prefetch(part(l, countsAt), outboundLines+1)
	}
	for _, l := range legs {
		prefetchBehind(part(l, outAt+playAt), 0, int(unsafe.Sizeof(playback{})+cacheLine-1)/cacheLine)
		prefetchBehind(part(l, outAt+flowAt), 0, flowLines)
	}
}
