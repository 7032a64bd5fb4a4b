package app

import (
	"context"
	"errors"
	"iter"
	"time"

	"telefonist/call"
	"telefonist/config"
	"telefonist/directory"
	"telefonist/record"
	"telefonist/store"
	"telefonist/switchboard"
)

// boardConfig is what the switchboard is made of, with what the process before this one kept.
func (a *App) boardConfig(dir *directory.Directory) (switchboard.Config, error) {
	var kept []record.Kept
	for _, kind := range record.KeptKinds {
		some, err := a.store.Kept(kind)
		if err != nil {
			return switchboard.Config{}, err
		}
		kept = append(kept, some...)
	}
	away, al := a.startAway(), a.cfg.Alarms
	return switchboard.Config{
		Store: a.store, Directory: dir, Limits: a.limits, Logger: a.log, Registerer: a.reg, Observe: a.observe,
		Report: a.media.Report, Codes: codes(a.cfg), Kept: kept, Recorded: a.recorded, Recent: a.recent(dir, time.Now()), Away: away,
		Alarms: switchboard.Thresholds{Wait: al.LongestWait, Level: al.ServiceLevel, Window: al.Window, Least: al.Least, NoAgent: al.NoAgent},
	}, nil
}

// longestStand is for how long at most a caller has stood in line whose place is found again after a restart.
const longestStand = 30 * time.Minute

// recent hands out the calls of tenants that keep places, as far back as one that is kept now may have begun.
func (a *App) recent(dir *directory.Directory, now time.Time) iter.Seq[record.Record] {
	var keep time.Duration
	for _, t := range dir.Tenants() {
		keep = max(keep, t.Rules.KeepPlace)
	}
	return func(yield func(record.Record) bool) {
		if keep == 0 {
			return
		}
		stopped := errors.New("stopped")
		err := a.store.Calls(context.Background(), store.Filter{From: now.Add(-keep - longestStand)}, func(r record.Record) error {
			if !yield(r) {
				return stopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			a.log.Error("places in line of before the start are not kept: the calls cannot be read", "err", err)
		}
	}
}

// recorded finds the record of a call.
func (a *App) recorded(id call.ID) (record.Record, bool) {
	r, err := a.store.Call(id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		a.log.Error("a call's record cannot be read", "call", id, "err", err)
	}
	return r, err == nil
}

// codes are what agents may dial.
func codes(cfg *config.Config) switchboard.Codes {
	c := cfg.Codes
	all := switchboard.Codes{}
	for code, text := range map[switchboard.Code]config.DialCode{
		switchboard.CodeLogin: c.Login, switchboard.CodeLogout: c.Logout, switchboard.CodePause: c.Pause, switchboard.CodeResume: c.Resume,
		switchboard.CodePark: c.Park, switchboard.CodePickUp: c.PickUp, switchboard.CodeHandBack: c.HandBack, switchboard.CodeTakeBack: c.TakeBack,
		switchboard.CodeColleague: c.Colleague, switchboard.CodeGroup: c.Group, switchboard.CodeSupervisor: c.Supervisor, switchboard.CodeCall: c.Call,
		switchboard.CodeAwayOn: c.AwayOn, switchboard.CodeAwayOff: c.AwayOff,
	} {
		all[code] = string(text)
	}
	return all
}

// startAway keeps what own receptionists switch by phone. The switchboard only hands it over; one after the other is written.
func (a *App) startAway() func(tenant string, set directory.Switch, by string, done func(error)) {
	type wish struct {
		tenant, by string
		set        directory.Switch
		done       func(error)
	}
	asked := make(chan wish, 64)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for w := range asked {
			_, err := a.SetSwitch(w.tenant, w.set, directory.Actor{Name: w.by, Way: "phone"})
			w.done(err)
		}
	}()
	a.parts.add("switches", func(context.Context) error {
		close(asked)
		<-ended
		return nil
	})
	return func(tenant string, set directory.Switch, by string, done func(error)) {
		select {
		case asked <- wish{tenant, by, set, done}:
		default:
			done(errors.New("too many are set at once"))
		}
	}
}
