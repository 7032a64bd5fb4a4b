package media

import (
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"telefonist/media/negotiate"
)

// cipher is one direction of a protected stream (RFC 3711). It is protected by the lock of the half of the leg that it
// belongs to; nil is plain RTP.
type cipher struct {
	key     negotiate.Crypto
	context *srtp.Context
	header  rtp.Header
	control rtcp.Header
	buf     [packetSize + sealRoom]byte
}

// sealRoom is how much longer a packet becomes at most: the tag, and the index of RTCP.
const sealRoom = 32

// replayWindow is how far behind the newest a packet may be, and is taken once.
const replayWindow = 128

// profiles are the suites as the library has them.
var profiles = map[negotiate.Suite]srtp.ProtectionProfile{
	negotiate.AESCM80: srtp.ProtectionProfileAes128CmHmacSha1_80,
	negotiate.AESCM32: srtp.ProtectionProfileAes128CmHmacSha1_32,
	negotiate.AESGCM:  srtp.ProtectionProfileAeadAes128Gcm,
}

// rekeyed returns the cipher for a key: the same one as long as the key is, since its counters must go on.
func (c *cipher) rekeyed(key negotiate.Crypto) *cipher {
	switch {
	case key.Suite == negotiate.NoSuite:
		return nil
	case c != nil && c.key == key:
		return c
	}
	context, err := srtp.CreateContext(key.Key(), key.Salt(), profiles[key.Suite],
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil { // lengths and profile are ours, so it cannot be
		panic("media: srtp: " + err.Error())
	}
	return &cipher{key: key, context: context}
}

// seal protects an RTP packet. What it returns is valid until the next call.
func (c *cipher) seal(packet []byte) ([]byte, bool) {
	out, err := c.context.EncryptRTP(c.buf[:0], packet, &c.header)
	return out, err == nil
}

// sealRTCP protects a compound RTCP packet.
func (c *cipher) sealRTCP(packet []byte) ([]byte, bool) {
	out, err := c.context.EncryptRTCP(c.buf[:0], packet, &c.control)
	return out, err == nil
}

// open returns what a protected RTP packet holds, until the next call. ok is false where it is not of the other holder
// of the key, or has been taken before.
func (c *cipher) open(packet []byte) (plain []byte, ok bool) {
	out, err := c.context.DecryptRTP(c.buf[:0], packet, &c.header)
	return out, err == nil
}

// openRTCP does the same for RTCP.
func (c *cipher) openRTCP(packet []byte) (plain []byte, ok bool) {
	out, err := c.context.DecryptRTCP(c.buf[:0], packet, &c.control)
	return out, err == nil
}
