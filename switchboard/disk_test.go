package switchboard

import (
	"testing"

	"telefonist/record"
	"telefonist/store"
)

// readAll gives every record on disk.
func readAll(t *testing.T, s *store.Store) (all []record.Record) {
	t.Helper()
	err := s.Calls(t.Context(), store.Filter{}, func(r record.Record) error {
		all = append(all, r)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return all
}
