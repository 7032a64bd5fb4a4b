package app

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"telefonist/directory"
	"telefonist/sip"
	"telefonist/sip/registrar"
	"telefonist/sip/wire"
	"telefonist/store"
)

// phones is what the registrar needs of the other rooms: who may register, and where registrations are kept.
type phones struct {
	dir   atomic.Pointer[directory.Directory]
	store *store.Store
	reg   *registrar.Registrar
}

// Lookup implements registrar.Credentials by the directory of the moment.
func (p *phones) Lookup(user string) (agent, password string, ok bool) {
	agent, secret, ok := p.dir.Load().Credentials(user)
	return agent, string(secret), ok
}

func bindingKey(b registrar.Binding) string { return b.Agent + "\x00" + b.Contact }

// SaveBinding implements registrar.Store.
func (p *phones) SaveBinding(b registrar.Binding) {
	if value, err := json.Marshal(b); err == nil {
		p.store.PutRegistration(bindingKey(b), value)
	}
}

// DeleteBinding implements registrar.Store.
func (p *phones) DeleteBinding(b registrar.Binding) { p.store.DeleteRegistration(bindingKey(b)) }

// restore puts back what a former process kept, so that phones need not register again first.
func (p *phones) restore() error {
	kept, err := p.store.Registrations()
	if err != nil {
		return err
	}
	var all []registrar.Binding
	for _, value := range kept {
		var b registrar.Binding
		if json.Unmarshal(value, &b) == nil {
			all = append(all, b)
		}
	}
	p.reg.Restore(all, time.Now())
	return nil
}

// setDirectory changes who may register. Agents who may not any more, or whose password changed, lose their phones.
func (p *phones) setDirectory(d *directory.Directory) {
	old := p.dir.Swap(d)
	if old == nil {
		return
	}
	for _, was := range old.Agents() {
		is, known := d.Agent(was.ID)
		if !known || is.Disabled || is.Password != was.Password {
			p.reg.Forget(was.ID, time.Now())
		}
	}
}

// algorithms are what sip.digest stands for, in the order of preference (RFC 8760 section 2.4).
var algorithms = map[string][]string{"both": {"SHA-256", "MD5"}, "md5": {"MD5"}, "sha-256": {"SHA-256"}}

func (a *App) newPhones(d *directory.Directory) *phones {
	p := &phones{store: a.store}
	p.dir.Store(d)
	s := a.cfg.SIP
	p.reg = registrar.New(registrar.Config{
		Realm: s.Realm, Algorithms: algorithms[s.Digest], Credentials: p, Store: p, OnChange: a.board.Registered,
		MinExpires: s.RegisterMin, MaxExpires: s.RegisterMax, DefaultExpires: s.RegisterMax,
		Logger: a.log, Registerer: a.reg,
	})
	return p
}

func (a *App) sipConfig() sip.Config {
	s := a.cfg.SIP
	w := wire.Config{UserAgent: "telefonist", External: external(s.ExternalAddress.Addr)}
	for _, l := range s.Listen {
		w.Listen = append(w.Listen, wire.Listen{Network: l.Network, Addr: l.Addr})
	}
	return sip.Config{
		Audio: a.audio,
		Wire:  w, Trunks: trunks(a.cfg), UnknownSource: sip.UnknownSource(s.UnknownSource), SessionExpires: s.SessionExpires,
		Poster: a.board, Media: a.media, Phones: sip.Registered(a.phones.reg), Logger: a.log, Registerer: a.reg,
	}
}
