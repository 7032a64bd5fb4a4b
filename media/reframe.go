package media

// framer cuts what is relayed into packets of the length that the listener asked for (a=ptime). A byte of the codecs that we speak
// is 1/8 ms of sound wherever it stands, so that nothing is decoded for it, and nothing waits for longer than one such packet.
type framer struct {
	raw    frameBuffer
	n      int    // bytes that wait
	stamp  uint32 // the timestamp of the first of them
	marker bool   // a talkspurt begins with them
}

// cuts reports whether a packet of so many bytes must be cut, or joined with what waits.
func (o *outbound) cuts(size int) bool {
	return o.framed && o.frame > 0 && (size != o.frame || o.cut != nil && o.cut.n > 0)
}

// recut sends what a packet of another leg fills up. seq and stamp are what it would be sent with by itself; as the stream gets
// another number of packets, those behind it are shifted. What comes out of order has lost its place.
func (o *outbound) recut(data []byte, seq uint16, stamp uint32, marker, late bool, now int64) {
	if o.cut == nil {
		o.cut = new(framer)
	}
	c := o.cut
	switch {
	case late:
		o.counts.drop(dropLate)
		return
	case c.n > 0 && (stamp != c.stamp+uint32(c.n) || len(data) == o.frame):
		seq += o.letGo(stamp, now)
	}
	sent := uint16(0)
	c.marker = c.marker || marker
	for len(data) > 0 {
		if c.n == 0 {
			c.stamp = stamp
		}
		n := copy(c.raw[headerSize+c.n:headerSize+o.frame], data)
		data, stamp, c.n = data[n:], stamp+uint32(n), c.n+n
		if c.n == o.frame {
			o.sendCut(seq+sent, now)
			sent++
		}
	}
	o.seqShift += sent - 1
}

// letGo sends what waits, as short as it is, where something else follows at a timestamp; after a pause it is left out. It
// returns by how much the numbers of what follows are shifted.
func (o *outbound) letGo(stamp uint32, now int64) uint16 {
	c := o.cut
	if stamp-c.stamp > mostBehind {
		c.n, c.marker = 0, false
		return 0
	}
	o.sendCut(o.following(), now)
	o.seqShift++
	return 1
}

// sendCut sends what waits.
func (o *outbound) sendCut(seq uint16, now int64) {
	c := o.cut
	if o.sent(seq, c.stamp, clockRate, uint32(c.n), c.n, true, now) {
		putHeader(c.raw[:], c.marker, o.payload, seq, c.stamp, o.ssrc)
		o.send(c.raw[:headerSize+c.n])
	}
	c.n, c.marker = 0, false
}
