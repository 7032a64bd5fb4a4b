package registrar

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"time"
)

// nonces makes and checks nonces. A nonce carries its time and a signature over
// that and the client's IP address, so that nothing is kept for one that is never
// used. What is kept is which counts of a used nonce were seen (RFC 7616 3.4.5).
type nonces struct {
	key   []byte
	ttl   time.Duration
	limit int // entries of used

	used  map[string]*counts
	floor time.Time // older nonces are stale: their counts may have been forgotten
}

// counts are the nc values seen of a nonce: the highest, and which of the 64
// below it, since requests on UDP may overtake each other.
type counts struct {
	issued  time.Time
	highest uint32
	seen    uint64 // bit i: highest-i was seen
}

const (
	nonceHead = 8  // seconds since 1970 and random, 4 bytes each
	nonceMAC  = 10 // bytes of signature
)

func newNonces(key []byte, ttl time.Duration, limit int) *nonces {
	if len(key) == 0 {
		key = make([]byte, 32)
		rand.Read(key) // never fails
	}
	return &nonces{key: key, ttl: ttl, limit: limit, used: make(map[string]*counts)}
}

// issue returns a fresh nonce of 24 characters: short, so that a challenge
// stays smaller than the request.
func (n *nonces) issue(src netip.Addr, now time.Time) string {
	var b [nonceHead + nonceMAC]byte
	binary.BigEndian.PutUint32(b[:], uint32(now.Unix()))
	rand.Read(b[4:nonceHead])
	copy(b[nonceHead:], n.sign(b[:nonceHead], src))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (n *nonces) sign(head []byte, src netip.Addr) []byte {
	h := hmac.New(sha256.New, n.key)
	h.Write(head)
	h.Write(src.Unmap().WithZone("").AsSlice())
	return h.Sum(nil)[:nonceMAC]
}

// valid reports whether a nonce is ours, made for src and not too old.
func (n *nonces) valid(nonce string, src netip.Addr, now time.Time) (issued time.Time, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != nonceHead+nonceMAC || !hmac.Equal(b[nonceHead:], n.sign(b[:nonceHead], src)) {
		return time.Time{}, false
	}
	issued = time.Unix(int64(binary.BigEndian.Uint32(b)), 0)
	if now.Sub(issued) > n.ttl || issued.After(now.Add(time.Minute)) || issued.Before(n.floor) {
		return time.Time{}, false
	}
	return issued, true
}

// use records a count and reports whether it is new. Call it only for valid
// nonces of authenticated requests: strangers cannot fill the table.
func (n *nonces) use(nonce string, nc uint32, issued, now time.Time) bool {
	c, ok := n.used[nonce]
	if !ok {
		if len(n.used) >= n.limit {
			n.prune(now)
		}
		n.used[nonce] = &counts{issued: issued, highest: nc, seen: 1}
		return true
	}
	if nc > c.highest {
		c.seen = c.seen<<min(nc-c.highest, 64) | 1
		c.highest = nc
		return true
	}
	back := c.highest - nc
	if back >= 64 || c.seen&(1<<back) != 0 {
		return false
	}
	c.seen |= 1 << back
	return true
}

// prune forgets nonces that have expired. If that is not enough it forgets all,
// and raises the floor so that none of them is accepted again.
func (n *nonces) prune(now time.Time) {
	for nonce, c := range n.used {
		if now.Sub(c.issued) > n.ttl {
			delete(n.used, nonce)
		}
	}
	if len(n.used) >= n.limit {
		clear(n.used)
		n.floor = now.Truncate(time.Second).Add(time.Second)
	}
}
