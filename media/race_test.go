//go:build race

package media

// raced tells that the race detector is on: it has sync.Pool, which pion/srtp uses for AES-CM, forget at random.
const raced = true
