//go:build !linux || !(amd64 || arm64)

package media

import (
	"errors"
	"time"
)

// newLoops is for Linux.
func newLoops(*ports, int) (sockets, error) { return nil, errors.ErrUnsupported }

// sleep waits for about d.
func sleep(d time.Duration) { time.Sleep(d) }
