package message

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"telefonist/record"
)

// HookPath is where gateways post receipts, below the server's own address.
const HookPath = "/hooks/messages/"

// maxHook bounds what a gateway may post, in bytes.
const maxHook = 256 << 10

// Hooks names the addresses that gateways post receipts to. Each holds a token that proves that it was made here, so that
// nobody else can tell us what became of a message. The zero value asks for no receipts and takes none.
type Hooks struct {
	Base   string // https://telefonist.example, without a slash at its end
	Secret string // what tokens are made with; whoever has it can forge receipts
}

// On tells whether receipts can be taken.
func (h Hooks) On() bool { return h.Base != "" && h.Secret != "" }

// URL is the address for receipts of the message with a key, or with an empty key, for those of all messages of the
// gateway. It is empty where no receipts can be taken.
func (h Hooks) URL(gateway, key string) string {
	if !h.On() {
		return ""
	}
	u := h.Base + HookPath + url.PathEscape(gateway)
	if key != "" {
		u += "/" + url.PathEscape(key)
	}
	return u + "?token=" + h.token(gateway, key)
}

func (h Hooks) token(gateway, key string) string {
	mac := hmac.New(sha256.New, []byte(h.Secret))
	_, _ = io.WriteString(mac, gateway+"\x00"+key) // never fails
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

func (h Hooks) genuine(gateway, key, token string) bool {
	return h.Secret != "" && hmac.Equal([]byte(token), []byte(h.token(gateway, key)))
}

// Handler takes receipts below HookPath. It answers 204 where a receipt was understood, whatever it changed; 403 without the
// right token, 400 for what the gateway should not post, 404 for a message that we do not have, and 503 where it should be
// posted again. hooks is asked anew for each.
func (o *Outbox) Handler(hooks func() Hooks) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, result := o.hook(hooks(), w, r)
		o.metrics.receipts.WithLabelValues(result).Inc()
		w.Header().Set("Cache-Control", "no-store")
		if status == http.StatusNoContent {
			w.WriteHeader(status)
			return
		}
		http.Error(w, http.StatusText(status), status)
	})
}

func (o *Outbox) hook(h Hooks, w http.ResponseWriter, r *http.Request) (status int, result string) {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, HookPath), "/")
	query := r.URL.Query()
	if !h.genuine(name, key, query.Get("token")) {
		return http.StatusForbidden, receiptRefused
	}
	receiver := o.receiver(name)
	if receiver == nil {
		return http.StatusNotFound, receiptUnknown
	}
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return http.StatusMethodNotAllowed, receiptMalformed
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
	if err != nil {
		return http.StatusBadRequest, receiptMalformed
	}
	query.Del("token")
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return http.StatusBadRequest, receiptMalformed
		}
		for k, v := range form {
			query[k] = v
		}
	}
	notices, err := receiver.Receipts(query, body)
	if err != nil || len(notices) == 0 {
		o.log.Warn("messages: a receipt was not understood", "gateway", name, "bytes", len(body))
		return http.StatusBadRequest, receiptMalformed
	}
	return o.notices(name, key, notices)
}

func (o *Outbox) notices(gateway, key string, all []Notice) (status int, result string) {
	status = http.StatusNoContent
	for _, n := range all {
		if result = resultOf(n.Receipt.State); key != "" {
			n.Key = key
		}
		switch err := o.notice(gateway, n); {
		case err == nil, errors.Is(err, record.ErrMessageState):
		case errors.Is(err, record.ErrNoMessage):
			status, result = http.StatusNotFound, receiptUnknown
		default:
			o.log.Error("messages: a receipt was not written down", "gateway", gateway, "error", err)
			return http.StatusServiceUnavailable, result
		}
	}
	return status, result
}

func (o *Outbox) notice(gateway string, n Notice) error {
	if n.Key == "" {
		id, err := o.cfg.Store.MessageOfGateway(gateway, n.GatewayID)
		if err != nil {
			return err
		}
		return o.receiveOf(id, n)
	}
	return o.Receive(n.Key, n.Receipt)
}

// receiveOf writes down a receipt that names a message by the gateway's own name for it: it is about the present sending only
// where that still is the message's name there.
func (o *Outbox) receiveOf(id string, n Notice) error {
	r := n.Receipt
	if r.At.IsZero() {
		r.At = time.Now()
	}
	r.Detail = Shorten(r.Detail)
	_, err := o.update(id, func(m *record.Outgoing) error {
		if m.GatewayID != n.GatewayID && r.State != record.MessageDelivered {
			return nil
		}
		return m.Receive(r)
	})
	return err
}

func resultOf(s record.MessageState) string {
	switch s {
	case record.MessageDelivered:
		return receiptDelivered
	case record.MessageFailed:
		return receiptFailed
	}
	return receiptUnderWay
}
