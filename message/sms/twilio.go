package sms

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"telefonist/message"
	"telefonist/record"
)

// twilio is Twilio (https://www.twilio.com/docs/messaging/api/message-resource). It knows no idempotency key for messages.
type twilio struct {
	cfg Config
	url string
}

func newTwilio(c Config) (driver, error) {
	if !strings.HasPrefix(c.Username, "AC") || strings.Trim(c.Username, "ABCDEFabcdef0123456789") != "" || c.Password == "" {
		return nil, errors.New("username is the account's SID, which begins with AC, and password its token: both are needed")
	}
	if c.From == "" {
		return nil, errors.New("from is missing")
	}
	u, err := endpoint(c.URL, "https://api.twilio.com/2010-04-01/Accounts/"+c.Username+"/Messages.json")
	return &twilio{c, u}, err
}

func (t *twilio) request(o record.Outgoing, from, receipt string) (*http.Request, error) {
	fields := url.Values{"From": {from}, "To": {o.Message.To.Address}, "Body": {o.Message.Text}}
	if receipt != "" {
		fields.Set("StatusCallback", receipt)
	}
	return t.cfg.form(t.url, fields)
}

func (t *twilio) accepted(body []byte) (string, error) {
	var answer struct {
		SID, Status string
		ErrorCode   *int `json:"error_code"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.SID == "" {
		return "", notUnderstood(body)
	}
	if answer.Status == "failed" || answer.Status == "undelivered" {
		code := "twilio failed"
		if answer.ErrorCode != nil {
			code = fmt.Sprintf("twilio %d", *answer.ErrorCode)
		}
		return "", &message.Failure{Code: code, Detail: message.Shorten(string(body)), Permanent: true}
	}
	return answer.SID, nil
}

// refused names Twilio's own code. 20003 is a wrong password, 20429 haste, 21610 a recipient who has said STOP.
func (t *twilio) refused(status int, body []byte) *message.Failure {
	var answer struct {
		Code    int
		Message string
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Code == 0 || status != http.StatusBadRequest {
		return nil
	}
	return &message.Failure{Code: fmt.Sprintf("twilio %d", answer.Code), Detail: message.Shorten(answer.Message), Permanent: true}
}

func (t *twilio) receipts(fields url.Values, _ []byte) ([]message.Notice, error) {
	status, code := fields.Get("MessageStatus"), "twilio"
	n := message.Notice{GatewayID: fields.Get("MessageSid")}
	switch status {
	case "accepted", "scheduled", "queued", "sending", "sent":
		n.Receipt.State = record.MessageSent
	case "delivered", "read":
		n.Receipt.State = record.MessageDelivered
	case "undelivered", "failed", "canceled":
		n.Receipt.State = record.MessageFailed
	default:
		return nil, errors.New("twilio: a status that we do not know")
	}
	if e := fields.Get("ErrorCode"); e != "" && len(e) <= 6 && strings.Trim(e, "0123456789") == "" {
		code += " " + e
	}
	n.Receipt.Code = code + " " + status
	return []message.Notice{n}, nil
}
