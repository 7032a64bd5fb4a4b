package app

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"telefonist/directory"
	"telefonist/store"
)

func TestHistoryIsKeptAsLongAsTheTenantSays(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.TempDir(), store.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	for _, tenant := range []string{"short", "ever"} {
		months := map[string]string{"short": `{"history_months":3}`, "ever": `{}`}[tenant]
		for _, e := range []directory.Edit{{Kind: directory.KindSettings, ID: directory.SettingsID, Doc: json.RawMessage(months)},
			{Kind: directory.KindNotice, ID: "n", Doc: json.RawMessage(`{"text":"x"}`)}} {
			if _, err := s.Edit(tenant, directory.Actor{Name: "test"}, start, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	left := func(tenant string) int {
		t.Helper()
		h, err := s.History(tenant, directory.KindNotice, "n")
		if err != nil {
			t.Fatal(err)
		}
		return len(h)
	}
	pruneHistories(t.Context(), s, log, start.AddDate(0, 3, 0))
	if left("short") != 1 {
		t.Error("pruned at three months")
	}
	pruneHistories(t.Context(), s, log, start.AddDate(0, 3, 0).Add(1))
	if left("short") != 0 || left("ever") != 1 {
		t.Errorf("after three months: short %d, ever %d", left("short"), left("ever"))
	}
	if _, err := s.Item("short", directory.KindNotice, "n"); err != nil {
		t.Error(err)
	}
}
