package store

import (
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/directory"
)

// switchDoc is what is kept of a switch; when and by whom it was set is kept with every item.
type switchDoc struct {
	Away  bool      `json:"away"`
	Until time.Time `json:"until,omitzero"`
}

// PutSwitch keeps what a tenant's own receptionists have set, and who did, and returns it as it is kept once it is on disk.
// The last one counts. Errors are directory.Problems where the switch cannot be set so.
func (s *Store) PutSwitch(tenant string, sw directory.Switch, by directory.Actor, at time.Time) (directory.Switch, error) {
	if err := sw.Check(at).Err(); err != nil {
		return directory.Switch{}, err
	}
	doc, err := json.Marshal(switchDoc{sw.Away, sw.Until.UTC()})
	if err != nil {
		return directory.Switch{}, fmt.Errorf("keep switch: %w", err)
	}
	items, err := s.Edit(tenant, by, at, directory.Edit{Kind: directory.KindSwitch, ID: directory.SwitchAway, Doc: doc, Match: directory.AnyVersion})
	if err != nil {
		return directory.Switch{}, err
	}
	return switchOf(items[0])
}

func switchOf(it directory.Item) (directory.Switch, error) {
	var doc switchDoc
	if err := json.Unmarshal(it.Doc, &doc); err != nil {
		return directory.Switch{}, err
	}
	return directory.Switch{Away: doc.Away, Until: doc.Until, At: it.At, By: it.By}, nil
}

// Switches returns what was set last for each tenant that has ever set anything. What cannot be read is left out and logged: its
// tenant's own receptionists are not away.
func (s *Store) Switches() (map[string]directory.Switch, error) {
	all := map[string]directory.Switch{}
	err := s.view(s.directory, "switches", func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketTenants).ForEachBucket(func(k []byte) error {
			t, err := openTenant(s.directory, tx, string(k))
			if err != nil || t == nil {
				return err
			}
			it, found, err := t.item(directory.KindSwitch, directory.SwitchAway)
			if err == nil && found {
				all[string(k)], err = switchOf(it)
			}
			if err != nil {
				delete(all, string(k))
				s.opts.Logger.Error("store: left out", "tenant", string(k), "switch", directory.SwitchAway, "error", err)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read switches: %w", err)
	}
	return all, nil
}
