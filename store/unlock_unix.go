//go:build unix

package store

import (
	"os"
	"syscall"
)

// unlock gives up bbolt's lock on a file that it lost hold of. Closing alone does not: the map that it left keeps the
// file open.
func unlock(f *os.File) { syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
