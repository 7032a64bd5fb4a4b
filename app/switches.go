package app

import (
	"time"

	"telefonist/directory"
)

// SetSwitch keeps what a tenant's own receptionists have set, and has every call from now on go by it. It waits for the disk, so
// the switchboard never calls it itself.
func (a *App) SetSwitch(tenant string, s directory.Switch, by directory.Actor) (directory.Switch, error) {
	a.reload.Lock()
	defer a.reload.Unlock()
	kept, err := a.store.PutSwitch(tenant, s, by, time.Now())
	if err != nil {
		return directory.Switch{}, err
	}
	dir := a.tenants.Load().WithSwitch(tenant, kept)
	a.tenants.Store(dir)
	a.board.SetDirectory(dir, a.limits)
	return kept, nil
}
