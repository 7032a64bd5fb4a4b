package sip

import (
	"net/netip"
	"time"

	msg "github.com/emiago/sipgo/sip"

	"telefonist/sip/registrar"
	"telefonist/sip/wire"
)

// Registered makes Phones of a registrar.
func Registered(r *registrar.Registrar) Phones { return registered{r} }

type registered struct{ r *registrar.Registrar }

func (p registered) Register(req *msg.Request, tx *wire.ServerTx, _ wire.Source) {
	p.r.HandleRegister(req, tx)
}

func (p registered) Contacts(agent string) []Contact {
	var out []Contact
	for _, b := range p.r.Contacts(agent, time.Now()) {
		var u msg.Uri
		if err := parseURI(b.Contact, &u); err == nil {
			out = append(out, Contact{URI: u, Flow: b.Dest()})
		}
	}
	return out
}

func (p registered) Known(src netip.AddrPort) (flow, host bool) { return p.r.Known(src) }

func (p registered) Authenticate(req *msg.Request, tx *wire.ServerTx, src wire.Source) (string, bool) {
	d := p.r.Authenticate(req, src.Addr, time.Now())
	if !d.OK() {
		// Sent once and not repeated: the phone asks again by itself.
		_ = d.Refuse(tx)
		return "", false
	}
	return d.AgentID, true
}
