package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"telefonist/directory"
	"telefonist/store"
)

// pruneEvery is how often it is looked for what tenants no longer want to be kept.
const pruneEvery = 24 * time.Hour

// startPruning forgets, now and once a day, what tenants have set history_months for.
func (a *App) startPruning() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(pruneEvery)
		defer tick.Stop()
		for {
			pruneHistories(ctx, a.store, a.log, time.Now())
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	a.parts.add("history", func(context.Context) error { stop(); <-done; return nil })
}

func pruneHistories(ctx context.Context, s *store.Store, log *slog.Logger, now time.Time) {
	tenants, err := s.TenantsWithDirectory()
	if err != nil {
		log.Error("history could not be pruned", "err", err)
	}
	for _, tenant := range tenants {
		p, err := pruneHistory(ctx, s, tenant, now)
		if err != nil && ctx.Err() == nil {
			log.Error("history could not be pruned", "tenant", tenant, "err", err)
		} else if p != (store.Pruned{}) {
			log.Info("history pruned", "tenant", tenant, "changes", p.Changes, "referrals", p.Referrals)
		}
	}
}

func pruneHistory(ctx context.Context, s *store.Store, tenant string, now time.Time) (p store.Pruned, err error) {
	it, err := s.Item(tenant, directory.KindSettings, directory.SettingsID)
	if errors.Is(err, directory.ErrNotFound) {
		return p, nil
	}
	var settings directory.Settings
	if err == nil {
		err = json.Unmarshal(it.Doc, &settings)
	}
	if err != nil || settings.HistoryMonths == 0 {
		return p, err
	}
	return s.PruneHistory(ctx, tenant, now.AddDate(0, -settings.HistoryMonths, 0))
}
