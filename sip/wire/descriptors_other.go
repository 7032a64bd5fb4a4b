//go:build !unix

package wire

import "math"

// descriptors is how many files and sockets the process may have open: no limit is known here.
func descriptors() int { return math.MaxInt }
