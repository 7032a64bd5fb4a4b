// Package g722 is the wideband codec of ITU-T Recommendation G.722 at 64 kbit/s: 16 kHz speech in two sub-bands, each
// coded by adaptive differential PCM.
//
// It owns the arithmetic alone, written after the Recommendation's block diagrams and tables (the block names in the
// comments are those of its clause 6.2). Besides the full band it codes the lower band by itself: 8 kHz linear audio in
// and out, for conversation with narrowband codecs, without any other filter.
//
// It promises that the state of an Encoder or a Decoder is one value without pointers, that nothing is allocated, and
// that any bytes decode. It never sees packets: an RTP timestamp of G.722 counts 8,000 a second, one per byte (RFC 3551
// section 4.5.2).
package g722
