package softphone

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

// Phone is a receptionist's softphone. See New.
type Phone struct {
	*endpoint

	reg        sync.Mutex // serialises registrations, protects what follows
	regID      string
	regTag     string
	seq        uint32
	registered bool
	refresh    *time.Timer
}

// New opens a phone. It can call and be called at once; Register makes it known to the server.
func New(cfg Config) (*Phone, error) {
	e, err := newEndpoint(cfg)
	if err != nil {
		return nil, err
	}
	return &Phone{endpoint: e, regID: newCallID(), regTag: sip.GenerateTagN(12)}, nil
}

// Register registers with the server and keeps the registration alive until Unregister or Close.
func (p *Phone) Register(ctx context.Context) error {
	granted, err := p.register(ctx, p.cfg.Expires)
	if err != nil {
		return fmt.Errorf("register %s: %w", p.cfg.User, err)
	}
	p.arm(granted)
	return nil
}

// Unregister takes the registration back.
func (p *Phone) Unregister(ctx context.Context) error {
	p.arm(0)
	if _, err := p.register(ctx, 0); err != nil {
		return fmt.Errorf("unregister %s: %w", p.cfg.User, err)
	}
	return nil
}

// Close unregisters where the phone is registered, hangs up and closes the sockets.
func (p *Phone) Close(ctx context.Context) error {
	var err error
	p.reg.Lock()
	registered := p.registered
	p.reg.Unlock()
	if registered {
		err = p.Unregister(ctx)
	}
	if closeErr := p.endpoint.Close(ctx); closeErr != nil {
		return closeErr
	}
	return err
}

// Dial calls a number or extension through the server. It returns when the INVITE is on its way; see Call.Wait.
func (p *Phone) Dial(target string) (*Call, error) {
	return p.call(Invite{To: target, From: p.cfg.User, Name: p.cfg.Name})
}

// arm sets the next refresh at half of the lifetime; zero stops it.
func (p *Phone) arm(granted time.Duration) {
	p.reg.Lock()
	defer p.reg.Unlock()
	if p.refresh != nil {
		p.refresh.Stop()
		p.refresh = nil
	}
	p.registered = granted > 0
	if granted > 0 {
		p.refresh = time.AfterFunc(granted/2, func() {
			p.spawn(func() {
				if err := p.Register(p.ctx); err != nil && p.ctx.Err() == nil {
					p.cfg.Logger.Warn("refresh registration", "user", p.cfg.User, "error", err)
					p.arm(10 * time.Second)
				}
			})
		})
	}
}

// register sends one REGISTER and returns the lifetime that was granted.
func (p *Phone) register(ctx context.Context, expires time.Duration) (time.Duration, error) {
	dst := p.serverDest()
	contact := p.contact(p.cfg.User, dst)
	res, err := p.wait(ctx, exchange{dst: dst, build: func() *sip.Request {
		p.reg.Lock()
		p.seq++
		seq := p.seq
		p.reg.Unlock()
		registrar := p.serverURI("")
		req := sip.NewRequest(sip.REGISTER, registrar)
		aor := sip.Uri{Scheme: "sip", User: p.cfg.User, Host: p.cfg.Domain}
		req.AppendHeader(&sip.FromHeader{DisplayName: p.cfg.Name, Address: aor, Params: tagged(p.regTag)})
		req.AppendHeader(&sip.ToHeader{Address: aor})
		id := sip.CallIDHeader(p.regID)
		req.AppendHeader(&id)
		req.AppendHeader(&sip.CSeqHeader{SeqNo: seq, MethodName: sip.REGISTER})
		req.AppendHeader(&sip.ContactHeader{Address: contact})
		req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(expires/time.Second))))
		req.AppendHeader(sip.NewHeader("Allow", allowed))
		return req
	}})
	if err != nil {
		return 0, err
	}
	return granted(res, contact, expires), nil
}

// granted reads the lifetime of our contact out of the answer (RFC 3261 section 10.2.4).
func granted(res *sip.Response, contact sip.Uri, asked time.Duration) time.Duration {
	for _, h := range res.GetHeaders("Contact") {
		for _, one := range strings.Split(h.Value(), ",") {
			if !strings.Contains(one, contact.HostPort()) {
				continue
			}
			for _, param := range strings.Split(one, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
				if seconds, err := strconv.Atoi(value); strings.EqualFold(name, "expires") && err == nil {
					return time.Duration(seconds) * time.Second
				}
			}
		}
	}
	if h := res.GetHeader("Expires"); h != nil {
		if seconds, err := strconv.Atoi(strings.TrimSpace(h.Value())); err == nil {
			return time.Duration(seconds) * time.Second
		}
	}
	return asked
}

func tagged(tag string) sip.HeaderParams {
	if tag == "" {
		return nil
	}
	return sip.HeaderParams{{K: "tag", V: tag}}
}

func newCallID() string { return sip.GenerateTagN(24) }
