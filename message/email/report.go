package email

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"net/url"
	"strings"

	"telefonist/message"
	"telefonist/record"
)

// Report is what a delivery report says of one recipient.
type Report struct {
	Key       string // of the message, from the Message-ID of what came back; empty where nothing came back
	Recipient string
	Action    string // failed, delayed, delivered, relayed or expanded (RFC 3464 section 2.3.3)
	Status    string // "5.1.1" (RFC 3463)
	Detail    string // what the last server said
}

// Limits of a report.
const (
	maxParts      = 20
	maxRecipients = 100
	maxPart       = 64 << 10
)

var errNoReport = errors.New("not a delivery report (RFC 3464)")

// ParseReport reads a whole e-mail that is a delivery report: multipart/report with the parts for people, for machines, and
// what is left of the message (RFC 6522). domain is what stands behind the @ of our Message-IDs.
func ParseReport(data []byte, domain string) ([]Report, error) {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(data)))
	header, err := r.ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("delivery report: %w", err)
	}
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || !strings.EqualFold(params["report-type"], "delivery-status") || params["boundary"] == "" {
		return nil, errNoReport
	}
	var reports []Report
	key := ""
	parts := multipart.NewReader(r.R, params["boundary"])
	for range maxParts {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("delivery report: %w", err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		switch kind {
		case "message/delivery-status", "message/global-delivery-status":
			if reports, err = statuses(body(part)); err != nil {
				return nil, err
			}
		case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
			key = returnedKey(body(part), domain)
		}
	}
	if len(reports) == 0 {
		return nil, errNoReport
	}
	for i := range reports {
		reports[i].Key = key
	}
	return reports, nil
}

// body undoes the encoding of a part for transport.
func body(part *multipart.Part) io.Reader {
	limited := io.LimitReader(part, maxPart)
	switch strings.ToLower(strings.TrimSpace(part.Header.Get("Content-Transfer-Encoding"))) {
	case "quoted-printable":
		return quotedprintable.NewReader(limited)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, limited)
	}
	return limited
}

// statuses reads the part for machines: a block about the message, then one for each recipient (RFC 3464 section 2.1).
func statuses(r io.Reader) ([]Report, error) {
	text := textproto.NewReader(bufio.NewReader(r))
	var all []Report
	for block := 0; len(all) < maxRecipients && block < 2*maxRecipients; block++ {
		h, err := text.ReadMIMEHeader()
		if len(h) > 0 {
			action := strings.ToLower(strings.TrimSpace(h.Get("Action")))
			if action != "" {
				all = append(all, Report{Recipient: typed(h.Get("Final-Recipient")), Action: action, Status: status(h.Get("Status")),
					Detail: message.Shorten(typed(h.Get("Diagnostic-Code")))})
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("delivery report: %w", err)
		}
	}
	return all, nil
}

// typed drops the type before a semicolon: "rfc822; kim@example.com", "smtp; 550 no such user".
func typed(s string) string {
	if _, rest, found := strings.Cut(s, ";"); found {
		s = rest
	}
	return strings.TrimSpace(s)
}

// status keeps an enhanced status code (RFC 3463: digits and dots) without the comment behind it.
func status(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	if len(s) > 12 || s == "" || strings.Trim(s, "0123456789.") != "" {
		return ""
	}
	return s
}

// returnedKey finds our key in the Message-ID of what came back.
func returnedKey(r io.Reader, domain string) string {
	h, _ := textproto.NewReader(bufio.NewReader(r)).ReadMIMEHeader() // it may be cut short
	id := strings.Trim(strings.TrimSpace(h.Get("Message-Id")), "<>")
	key, at, found := strings.Cut(id, "@")
	if _, _, ok := record.SplitKey(key); !found || !ok || !strings.EqualFold(at, domain) {
		return ""
	}
	return key
}

// Receipt is what a report means for the message; ok is false where it means nothing.
func (r Report) Receipt() (receipt record.Receipt, ok bool) {
	code := "dsn " + r.Action
	if r.Status != "" {
		code += " " + r.Status
	}
	receipt = record.Receipt{Code: code, Detail: r.Detail}
	switch r.Action {
	case "delivered":
		receipt.State = record.MessageDelivered
	case "relayed", "expanded", "delayed":
		receipt.State = record.MessageSent
	case "failed":
		receipt.State = record.MessageFailed
	default:
		return receipt, false
	}
	return receipt, true
}

// Receipts implements message.Receiver: the mailbox that reports go to is piped to the hook, one e-mail a request.
func (g *Gateway) Receipts(_ url.Values, body []byte) ([]message.Notice, error) {
	reports, err := ParseReport(body, g.cfg.Domain)
	if err != nil {
		return nil, err
	}
	var all []message.Notice
	for _, r := range reports {
		if receipt, ok := r.Receipt(); ok && r.Key != "" {
			all = append(all, message.Notice{Key: r.Key, Receipt: receipt})
		}
	}
	return all, nil
}
