package sms

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"telefonist/message"
	"telefonist/record"
)

// elks is 46elks (https://46elks.com/docs/send-sms). It knows no idempotency key.
type elks struct {
	cfg Config
	url string
}

func newElks(c Config) (driver, error) {
	if c.Username == "" || c.Password == "" {
		return nil, errors.New("username and password are those of the API, both are needed")
	}
	if c.From == "" {
		return nil, errors.New("from is missing")
	}
	u, err := endpoint(c.URL, "https://api.46elks.com/a1/sms")
	return &elks{c, u}, err
}

func (e *elks) request(o record.Outgoing, from, receipt string) (*http.Request, error) {
	fields := url.Values{"from": {from}, "to": {o.Message.To.Address}, "message": {o.Message.Text}}
	if receipt != "" {
		fields.Set("whendelivered", receipt)
	}
	return e.cfg.form(e.url, fields)
}

func (e *elks) accepted(body []byte) (string, error) {
	var answer struct{ ID, Status string }
	if err := json.Unmarshal(body, &answer); err != nil || answer.ID == "" {
		return "", notUnderstood(body)
	}
	if answer.Status == "failed" {
		return "", &message.Failure{Code: "46elks failed", Detail: message.Shorten(string(body)), Permanent: true}
	}
	return answer.ID, nil
}

func (e *elks) refused(int, []byte) *message.Failure { return nil }

func (e *elks) receipts(fields url.Values, _ []byte) ([]message.Notice, error) {
	n := message.Notice{GatewayID: fields.Get("id")}
	switch fields.Get("status") {
	case "created", "sent":
		n.Receipt = record.Receipt{State: record.MessageSent, Code: "46elks sent"}
	case "delivered":
		n.Receipt = record.Receipt{State: record.MessageDelivered, Code: "46elks delivered"}
	case "failed":
		n.Receipt = record.Receipt{State: record.MessageFailed, Code: "46elks failed"}
	default:
		return nil, errors.New("46elks: a status that we do not know")
	}
	return []message.Notice{n}, nil
}
