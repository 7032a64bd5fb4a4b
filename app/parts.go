package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// parts are what has been started, to be stopped last in, first out.
type parts struct {
	log     *slog.Logger
	started []part
}

type part struct {
	name string
	stop func(context.Context) error
}

func (p *parts) add(name string, stop func(context.Context) error) {
	p.started = append(p.started, part{name, stop})
}

// stop stops every part, also where an earlier one fails, and tells what failed.
func (p *parts) stop(ctx context.Context) error {
	var errs []error
	for i := len(p.started) - 1; i >= 0; i-- {
		begun := time.Now()
		part := p.started[i]
		if err := part.stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", part.name, err))
		}
		p.log.Debug("stopped", "part", part.name, "took", time.Since(begun))
	}
	p.started = nil
	return errors.Join(errs...)
}
