package app

import (
	"context"
	"fmt"
	"log/slog"

	"telefonist/call"
	"telefonist/record"
	"telefonist/store"
)

// settle makes records of the calls that a crash left in the journal, and returns the dialogs of the peers that were left
// behind. A call is in the journal until its record is written, so that a crash in here loses nothing either.
func settle(ctx context.Context, s *store.Store, log *slog.Logger) ([]call.Dialog, error) {
	left, err := s.Recover()
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	var dialogs []call.Dialog
	written := make(chan error, len(left))
	for _, open := range left {
		rec := record.Interrupted(open)
		log.Warn("call was interrupted by a crash", "call", rec.Call, "tenant", rec.Tenant, "answered", !rec.Answered.IsZero(),
			"handled_ms", rec.HandledMS)
		dialogs = append(dialogs, record.Dialogs(open)...)
		s.Commit(record.Commit{Call: rec.Call, Final: &rec}, func(err error) { written <- err })
	}
	for range left {
		select {
		case err := <-written:
			if err != nil {
				return nil, fmt.Errorf("write the record of an interrupted call: %w", err)
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return dialogs, nil
}
