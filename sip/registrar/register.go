package registrar

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"telefonist/sip/wire"
)

// maxContactURI is the longest contact accepted, in bytes.
const maxContactURI = 512

var (
	errContact  = errors.New("contact is not a sip address")
	errWildcard = errors.New("Contact * stands alone and with Expires 0")
	errExpires  = errors.New("expires or q is not a number")
	errTooBrief = errors.New("expires is too short")
)

// HandleRegister answers a REGISTER: challenge, refusal or 200 with the contacts
// in force.
func (r *Registrar) HandleRegister(req *sip.Request, tx *wire.ServerTx) {
	now, src := time.Now(), tx.Source()
	d := r.Authenticate(req, src.Addr, now)
	if !d.OK() {
		if err := d.Refuse(tx); err != nil {
			r.cfg.Logger.Debug("refuse REGISTER", "peer", src.Addr, "error", err)
		}
		return
	}
	res := r.register(req, d.AgentID, src, now)
	r.m.registers.WithLabelValues(strconv.Itoa(res.StatusCode)).Inc()
	if err := tx.Respond(res); err != nil {
		r.cfg.Logger.Debug("answer REGISTER", "agent", d.AgentID, "error", err)
	}
}

// register carries out an authenticated REGISTER (RFC 3261 10.3).
func (r *Registrar) register(req *sip.Request, agentID string, src wire.Source, now time.Time) *sip.Response {
	u, err := r.readUpdate(req, agentID, src, now)
	switch {
	case errors.Is(err, errTooBrief):
		res := sip.NewResponseFromRequest(req, sip.StatusIntervalToBrief, "Interval Too Brief", nil)
		res.AppendHeader(sip.NewHeader("Min-Expires", seconds(r.cfg.MinExpires)))
		return res
	case err != nil:
		return sip.NewResponseFromRequest(req, sip.StatusBadRequest, "Bad Contact", nil)
	}
	applied := true
	r.change(func() []event {
		var events []event
		events, applied = r.table.apply(u, now)
		return events
	})
	if !applied {
		return sip.NewResponseFromRequest(req, sip.StatusInternalServerError, "Out Of Order", nil)
	}
	res := sip.NewResponseFromRequest(req, sip.StatusOK, "OK", nil)
	for _, b := range r.Contacts(agentID, now) {
		res.AppendHeader(sip.NewHeader("Contact", contactValue(b, now)))
	}
	res.AppendHeader(sip.NewHeader("Date", now.UTC().Format(http.TimeFormat))) // RFC 3261 20.17: always GMT
	return res
}

func contactValue(b Binding, now time.Time) string {
	v := "<" + b.Contact + ">;expires=" + seconds(b.Expires.Sub(now))
	if b.Q != 1 {
		v += ";q=" + strconv.FormatFloat(b.Q, 'f', -1, 64)
	}
	if b.Instance != "" {
		v += ";+sip.instance=" + strings.SplitN(b.Instance, " ", 2)[0]
	}
	return v
}

// seconds rounds up, so that a phone never thinks itself gone too early.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// readUpdate reads the contacts of a REGISTER. No contact at all is a query.
func (r *Registrar) readUpdate(req *sip.Request, agentID string, src wire.Source, now time.Time) (update, error) {
	u := update{agent: agentID, callID: req.CallID().Value(), cseq: req.CSeq().SeqNo}
	headerExpires := -1
	if h := req.GetHeader("Expires"); h != nil {
		n, err := readExpires(h.Value())
		if err != nil {
			return u, err
		}
		headerExpires = n
	}
	for _, h := range req.GetHeaders("Contact") {
		contact, ok := h.(*sip.ContactHeader)
		if !ok {
			return u, errContact
		}
		if contact.Address.Wildcard {
			u.removeAll = true
			continue
		}
		c, err := r.readContact(contact, headerExpires, now)
		if err != nil {
			return u, err
		}
		b := &c.binding
		b.Agent, b.AOR, b.CallID, b.CSeq = agentID, addressOfRecord(req), u.callID, u.cseq
		b.Received, b.Transport, b.LocalAddr = src.Addr, src.Network, src.Local
		if ua := req.GetHeader("User-Agent"); ua != nil {
			b.UserAgent = ua.Value()[:min(len(ua.Value()), 120)]
		}
		u.contacts = slices.DeleteFunc(u.contacts, func(o change) bool { return samePhone(o.binding, *b) })
		u.contacts = append(u.contacts, c)
	}
	if u.removeAll && (headerExpires != 0 || len(u.contacts) > 0) {
		return u, errWildcard // RFC 3261 10.3 step 6
	}
	return u, nil
}

func (r *Registrar) readContact(h *sip.ContactHeader, headerExpires int, now time.Time) (change, error) {
	uri := h.Address
	uri.Headers = nil
	text := uri.String()
	if uri.Scheme != "sip" || uri.Host == "" || strings.ContainsAny(text, " \t<>\"") || len(text) > maxContactURI {
		return change{}, errContact
	}
	b := Binding{Contact: text, Q: 1, Updated: now}
	expires := headerExpires
	if v, ok := h.Params.Get("expires"); ok {
		n, err := readExpires(v)
		if err != nil {
			return change{}, err
		}
		expires = n
	}
	if v, ok := h.Params.Get("q"); ok {
		q, err := strconv.ParseFloat(v, 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return change{}, errExpires
		}
		b.Q = q
	}
	if v, ok := h.Params.Get("+sip.instance"); ok && len(v) <= 100 {
		b.Instance = v
		if id, ok := h.Params.Get("reg-id"); ok {
			b.Instance += " " + id[:min(len(id), 10)]
		}
	}
	d := r.cfg.DefaultExpires
	if expires >= 0 {
		d = time.Duration(expires) * time.Second
	}
	if d > 0 && d < r.cfg.MinExpires {
		return change{}, errTooBrief
	}
	d = min(d, r.cfg.MaxExpires)
	b.Expires = now.Add(d)
	return change{binding: b, expires: d}, nil
}

// readExpires reads delta-seconds; more than 2^32-1 is as good as that
// (RFC 3261 20.19).
func readExpires(v string) (int, error) {
	v = strings.TrimSpace(v)
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return 0, errExpires
	}
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		n = math.MaxUint32
	}
	return int(n), nil
}

func addressOfRecord(req *sip.Request) string {
	to := req.To().Address
	return (&sip.Uri{Scheme: "sip", User: to.User, Host: to.Host}).String()
}
