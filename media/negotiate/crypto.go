package negotiate

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Secure says how a leg's audio is protected. The zero value is off.
type Secure uint8

// What may be asked for. Off refuses RTP/SAVP. Optional takes what the far side offers, and offers keys beside plain
// RTP/AVP. Required neither offers nor takes plain RTP.
const (
	SecureOff Secure = iota
	SecureOptional
	SecureRequired
)

// ParseSecure reads "off", "optional" or "required"; the empty string is off.
func ParseSecure(s string) (Secure, error) {
	switch s {
	case "", "off":
		return SecureOff, nil
	case "optional":
		return SecureOptional, nil
	case "required":
		return SecureRequired, nil
	}
	return SecureOff, fmt.Errorf("unknown security %q: off, optional or required", s)
}

// Suite is a crypto suite of SRTP. The zero value is none.
type Suite uint8

// The suites (RFC 4568 section 6.2, RFC 7714 section 14.2), in the order in which we offer them.
const (
	NoSuite Suite = iota
	AESCM80
	AESGCM
	AESCM32
	suites
)

var suiteNames = [suites]string{"", "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_32"}

// String returns the name that a=crypto has.
func (s Suite) String() string { return suiteNames[s] }

// keyLen is the length of master key and salt together.
func (s Suite) keyLen() int {
	if s == AESGCM {
		return 16 + 12
	}
	return 16 + 14
}

// maxKey is the longest master key with its salt.
const maxKey = 30

// Crypto is a master key with its salt. It can be compared, and prints nothing of the key.
type Crypto struct {
	Suite Suite
	key   [maxKey]byte
}

// Key and Salt are the two parts of the master key.
func (c *Crypto) Key() []byte  { return c.key[:16] }
func (c *Crypto) Salt() []byte { return c.key[16:c.Suite.keyLen()] }

// String hides the key.
func (c Crypto) String() string {
	if c.Suite == NoSuite {
		return "plain"
	}
	return c.Suite.String()
}

// GoString hides the key.
func (c Crypto) GoString() string { return c.String() }

// Keys are the master keys that a session may send with: one for each suite, since no key may serve two. They must be
// random, and never serve another session.
type Keys [suites][maxKey]byte

// of returns our key for a suite.
func (k *Keys) of(s Suite) Crypto {
	c := Crypto{Suite: s, key: k[s]}
	clear(c.key[s.keyLen():])
	return c
}

// renew makes another key for a suite.
func (k *Keys) renew(s Suite) { rand.Read(k[s][:]) } // never fails

// sendKey is what we send with in a suite: the key in use stays.
func (s *Session) sendKey(suite Suite) Crypto {
	if s.media.SendKey.Suite == suite {
		return s.media.SendKey
	}
	return s.local.Keys.of(suite)
}

// settle makes what was negotiated hold. A key that is given up for another, or for none, is in no later description: whoever
// takes it up again begins with its counters at zero (RFC 3711 section 9.1).
func (s *Session) settle(m *Media) {
	if was := s.media.SendKey; was.Suite != NoSuite && was != m.SendKey {
		s.local.Keys.renew(was.Suite)
	}
	s.media, s.done = m, true
}

// cryptoLine is an a=crypto line that we understand (RFC 4568 section 9.1).
type cryptoLine struct {
	tag int
	Crypto
}

// maxCrypto is how many a=crypto lines of a stream are looked at.
const maxCrypto = 16

// readCrypto reads a=crypto. ok is false for what we do not support: another suite, a master key identifier, several keys,
// or a session parameter that must be understood (RFC 4568 section 6.3).
func readCrypto(value string) (c cryptoLine, ok bool) {
	f := strings.Fields(value)
	if len(f) < 3 {
		return c, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 31)
	suite := slices.Index(suiteNames[:], f[1])
	text, inline := strings.CutPrefix(f[2], "inline:")
	if err != nil || suite <= 0 || !inline || strings.Contains(text, ";") {
		return c, false
	}
	for _, p := range f[3:] {
		if !strings.HasPrefix(p, "-") {
			return c, false
		}
	}
	text, rest, _ := strings.Cut(text, "|")
	if strings.Contains(rest, ":") { // MKI:length; a lifetime alone changes nothing for us
		return c, false
	}
	c.tag, c.Suite = int(tag), Suite(suite)
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		key, err = base64.RawStdEncoding.DecodeString(text) // some leave the padding out
	}
	if err != nil || len(key) != c.Suite.keyLen() {
		return cryptoLine{}, false
	}
	copy(c.key[:], key)
	return c, true
}

// write prints the line.
func (c cryptoLine) write() string {
	return fmt.Sprintf("a=crypto:%d %s inline:%s\r\n", c.tag, c.Suite,
		base64.StdEncoding.EncodeToString(c.key[:c.Suite.keyLen()]))
}
