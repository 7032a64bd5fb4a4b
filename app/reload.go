package app

import (
	"errors"
	"fmt"

	"telefonist/config"
)

// Reload applies a changed configuration: trunks, tenants, agents, plans, queue settings. What needs a restart is
// logged and left as it was. Where it fails everything goes on as before.
func (a *App) Reload(cfg *config.Config) error {
	a.reload.Lock()
	defer a.reload.Unlock()
	if err := Check(cfg); err != nil {
		return err
	}
	dir, err := provision(a.store, cfg)
	if err != nil {
		return err
	}
	before := a.tenants.Load()
	if err := a.setTenants(dir); err != nil {
		return err
	}
	if err := a.reloadMessages(cfg); err != nil {
		return errors.Join(err, a.setTenants(before))
	}
	a.finder.reloaded(before, dir)
	a.sip.SetTrunks(trunks(cfg))
	a.trunkAudio.Store(trunkAudio(cfg))
	a.phones.setDirectory(dir)
	a.limits = limits(cfg)
	a.board.SetDirectory(dir, a.limits)
	for _, name := range needRestart(a.cfg, cfg) {
		a.log.Warn("this change needs a restart", "section", name)
	}
	return nil
}

func needRestart(old, new *config.Config) []string {
	var changed []string
	for name, pair := range map[string][2]any{
		"sip": {old.SIP, new.SIP}, "media": {old.Media, new.Media}, "web": {old.Web, new.Web}, "store": {old.Store, new.Store},
		"log": {old.Log, new.Log}, "codes": {old.Codes, new.Codes}, "alarms": {old.Alarms, new.Alarms}, "drain_timeout": {old.DrainTimeout, new.DrainTimeout},
	} {
		if fmt.Sprint(pair[0]) != fmt.Sprint(pair[1]) {
			changed = append(changed, name)
		}
	}
	return changed
}
