package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/directory"
)

func doorCodeID(office, id string) string { return office + "/" + id }

// about names the one place where a door code opens.
func about(tenant, itemID string) string { return tenant + "\x00" + itemID }

// PutDoorCode seals a code and keeps it, with the version that it must have as in directory.Edit. It is sealed in the transaction that
// keeps it, so that no code that waits for its turn has a key that is forgotten meanwhile.
func (s *Store) PutDoorCode(tenant, office, id, label, code string, expires time.Time, match uint64, by directory.Actor, at time.Time) (directory.DoorCodeInfo, error) {
	info := directory.DoorCodeInfo{Office: office, ID: id, Label: label, Expires: expires}
	itemID := doorCodeID(office, id)
	err := s.updateTenant(tenant, func(t *tenantTx) error {
		if !t.hasParent(directory.KindDoorCode, itemID) {
			return fmt.Errorf("office %s: %w", office, directory.ErrNotFound)
		}
		sealed, err := s.keys.seal(about(tenant, itemID), code, at)
		if err != nil {
			return fmt.Errorf("seal door code: %w", err)
		}
		doc, err := json.Marshal(directory.DoorCode{Label: label, Expires: expires, Sealed: sealed})
		if err != nil {
			return err
		}
		it, err := t.edit(directory.Edit{Kind: directory.KindDoorCode, ID: itemID, Doc: doc, Match: match}, by, at)
		info.Version = it.Version
		return err
	})
	if err != nil {
		return directory.DoorCodeInfo{}, fmt.Errorf("keep door code %s of %s: %w", itemID, tenant, err)
	}
	s.tell(tenant, info.Version)
	return info, nil
}

// keepsCodes tells whether there is a door code.
func (s *Store) keepsCodes() (bool, error) {
	tenants, err := s.TenantsWithDirectory()
	for _, tenant := range tenants {
		items, err := s.Items(tenant, directory.KindDoorCode, "", "", 1)
		if err != nil || len(items) > 0 {
			return len(items) > 0, err
		}
	}
	return false, err
}

// DoorCodes lists an office's codes without showing any.
func (s *Store) DoorCodes(tenant, office string) ([]directory.DoorCodeInfo, error) {
	all := []directory.DoorCodeInfo{}
	for after, more := "", true; more; {
		items, err := s.Items(tenant, directory.KindDoorCode, office+"/", after, maxPage)
		if err != nil {
			return nil, err
		}
		more = len(items) == maxPage
		for _, it := range items {
			after = it.ID
			var d directory.DoorCode
			if err := json.Unmarshal(it.Doc, &d); err != nil {
				return nil, fmt.Errorf("door code %s: %w", it.ID, err)
			}
			_, id, _ := strings.Cut(it.ID, "/")
			all = append(all, directory.DoorCodeInfo{Office: office, ID: id, Label: d.Label, Expires: d.Expires, Version: it.Version})
		}
	}
	return all, nil
}

// ShowDoorCode returns one code, once the look is in the history: by must name the agent and the call.
func (s *Store) ShowDoorCode(tenant, office, id string, by directory.Actor, at time.Time) (string, error) {
	itemID := doorCodeID(office, id)
	it, err := s.Item(tenant, directory.KindDoorCode, itemID)
	if err != nil {
		return "", err
	}
	var d directory.DoorCode
	if err := json.Unmarshal(it.Doc, &d); err != nil {
		return "", fmt.Errorf("door code %s: %w", itemID, err)
	}
	if d.ExpiredAt(at) {
		return "", directory.ErrCodeExpired
	}
	code, err := s.keys.open(about(tenant, itemID), d.Sealed)
	if err != nil {
		return "", fmt.Errorf("open door code: %w", err)
	}
	err = s.updateTenant(tenant, func(t *tenantTx) error {
		return t.log(directory.Change{Seq: t.next(), At: at.UTC(), By: by, Action: directory.ActionLook, Kind: directory.KindDoorCode, ID: itemID})
	})
	if err != nil {
		return "", fmt.Errorf("note a look at a door code: %w", err)
	}
	return code, nil
}

// rotateChunk is how many codes one transaction seals anew.
const rotateChunk = 100

// RotateKeys makes a new key and seals every code with it, tenant by tenant. It may be repeated after a failure. Earlier keys
// stay in the key file, since backups of the store need them, unless forget is set. Where a code cannot be opened nothing is
// changed: the error is directory.ErrUnopened and names the codes.
func (s *Store) RotateKeys(forget bool, now time.Time) (codes int, err error) {
	if s.writer == nil {
		return 0, ErrReadOnly
	}
	s.rotating <- struct{}{}
	defer func() { <-s.rotating }()
	tenants, err := s.TenantsWithDirectory()
	if err != nil {
		return 0, err
	}
	if err := s.unopened(tenants); err != nil {
		return 0, err
	}
	// Whatever an earlier key sealed is in force when the new one comes, and is found below.
	if err := s.editDirectory(func(*bbolt.Tx) error { return s.keys.add(now) }); err != nil {
		return 0, err
	}
	if tenants, err = s.TenantsWithDirectory(); err != nil {
		return 0, err
	}
	for _, tenant := range tenants {
		n, err := s.resealTenant(tenant, now)
		codes += n
		if err != nil {
			return codes, fmt.Errorf("seal door codes of %s anew: %w", tenant, err)
		}
	}
	if forget {
		err = s.keys.forget()
	}
	return codes, err
}

// unopened tells which codes no key opens, nil where all are opened.
func (s *Store) unopened(tenants []string) error {
	var names []string
	for _, tenant := range tenants {
		for after, more := "", true; more; {
			items, err := s.Items(tenant, directory.KindDoorCode, "", after, maxPage)
			if err != nil {
				return err
			}
			more = len(items) == maxPage
			for _, it := range items {
				after = it.ID
				var d directory.DoorCode
				if err := json.Unmarshal(it.Doc, &d); err != nil {
					return fmt.Errorf("door code %s: %w", it.ID, err)
				}
				if _, err := s.keys.open(about(tenant, it.ID), d.Sealed); err != nil {
					names = append(names, tenant+" "+it.ID)
				}
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	const most = 20
	more := ""
	if n := len(names) - most; n > 0 {
		names, more = names[:most], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("%w: %s%s", directory.ErrUnopened, strings.Join(names, ", "), more)
}

func (s *Store) resealTenant(tenant string, now time.Time) (n int, err error) {
	for after, more := "", true; more; {
		items, err := s.Items(tenant, directory.KindDoorCode, "", after, rotateChunk)
		if err != nil {
			return n, err
		}
		more = len(items) == rotateChunk
		err = s.updateTenant(tenant, func(t *tenantTx) error {
			for _, it := range items {
				after = it.ID
				if err := s.reseal(t, tenant, it.ID, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += len(items)
	}
	return n, nil
}

// reseal seals a code anew; its version stays, since what it says does.
func (s *Store) reseal(t *tenantTx, tenant, id string, now time.Time) error {
	it, found, err := t.item(directory.KindDoorCode, id)
	if err != nil || !found { // deleted meanwhile
		return err
	}
	var d directory.DoorCode
	if err := json.Unmarshal(it.Doc, &d); err != nil {
		return err
	}
	if d.Sealed.Key == s.keys.current() {
		return nil
	}
	code, err := s.keys.open(about(tenant, id), d.Sealed)
	if err != nil {
		return fmt.Errorf("door code %s: %w", id, err)
	}
	if d.Sealed, err = s.keys.seal(about(tenant, id), code, now); err != nil {
		return err
	}
	if it.Doc, err = json.Marshal(d); err != nil {
		return err
	}
	return t.put(it)
}
