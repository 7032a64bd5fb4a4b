//go:build !linux || !(amd64 || arm64)

package media

import (
	"errors"
	"log/slog"
	"time"
)

// newLoops is for Linux.
func newLoops(*ports, int, time.Time, *slog.Logger) (sockets, error) {
	return nil, errors.ErrUnsupported
}

// outbox is for Linux.
type outbox struct{ now int64 }

func (*outbox) flush() {}

// sleep waits for about d.
func sleep(d time.Duration) { time.Sleep(d) }
