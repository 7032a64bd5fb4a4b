//go:build unix

package wire

import (
	"math"
	"syscall"
)

// Descriptors is how many files and sockets the process may have open. Go has
// raised the soft limit to the hard one by then.
func Descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(uint64(limit.Cur), math.MaxInt))
}
