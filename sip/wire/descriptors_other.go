//go:build !unix

package wire

import "math"

// Descriptors is how many files and sockets the process may have open: no limit is known here.
func Descriptors() int { return math.MaxInt }
