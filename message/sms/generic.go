package sms

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"telefonist/message"
	"telefonist/record"
)

// Generic describes a gateway that has no driver of its own. URL, headers and body may hold {to} (E.164), {to_digits} (without
// its plus), {from}, {text}, {key} (the idempotency key), {receipt_url}, {username} and {password}; each is escaped as its
// place asks for.
type Generic struct {
	Method      string // default POST
	ContentType string // of the body; default application/json
	Headers     map[string]string
	Body        string
	// Success is "path=value" in the JSON of the answer; empty: any 2xx is success.
	Success string
	// MessageID is the path of the gateway's name for the message in the JSON of the answer: "data.0.id". Empty: it has none.
	MessageID string
	Receipts  GenericReceipts
}

// GenericReceipts says how receipts are read. ID and Status are paths in JSON, or names of form or query fields.
type GenericReceipts struct {
	ID, Status string
	// Delivered and Failed are the values of status that mean so; all others mean under way.
	Delivered, Failed []string
}

// Placeholders are the names that may stand in braces.
var Placeholders = []string{"to", "to_digits", "from", "text", "key", "receipt_url", "username", "password"}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

type generic struct {
	cfg    Config
	g      Generic
	escape func(string) string
}

func newGeneric(c Config) (driver, error) {
	d := &generic{cfg: c, g: c.Generic}
	if d.g.Method == "" {
		d.g.Method = http.MethodPost
	}
	if d.g.ContentType == "" {
		d.g.ContentType = "application/json"
	}
	switch kind, _, _ := strings.Cut(strings.ToLower(d.g.ContentType), ";"); {
	case strings.HasSuffix(kind, "json"):
		d.escape = escapeJSON
	case strings.HasSuffix(kind, "x-www-form-urlencoded"):
		d.escape = url.QueryEscape
	case strings.HasSuffix(kind, "xml"):
		d.escape = escapeXML
	case kind == "text/plain":
		d.escape = func(s string) string { return s }
	default:
		return nil, errors.New("content_type is none that texts can be escaped for: write application/json, application/x-www-form-urlencoded, application/xml or text/plain")
	}
	if c.URL == "" {
		return nil, errors.New("url is missing")
	}
	if _, err := endpoint(placeholder.ReplaceAllString(c.URL, "x"), ""); err != nil {
		return nil, err
	}
	if host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(c.URL, "https://"), "http://"), "/"); placeholder.MatchString(host) {
		return nil, errors.New("url has a placeholder in the name of the host")
	}
	return d, d.checkPlaceholders()
}

func (d *generic) checkPlaceholders() error {
	all := d.cfg.URL + d.g.Body
	for name, value := range d.g.Headers {
		if strings.ContainsAny(name+value, "\r\n") {
			return errors.New("headers: a line break")
		}
		all += value
	}
	for _, m := range placeholder.FindAllStringSubmatch(all, -1) {
		if !slices.Contains(Placeholders, m[1]) {
			return fmt.Errorf("there is no placeholder {%s}: write one of {%s}", m[1], strings.Join(Placeholders, "} {"))
		}
	}
	if !strings.Contains(all, "{text}") || !strings.Contains(all, "{to}") && !strings.Contains(all, "{to_digits}") {
		return errors.New("neither url nor body holds {text} and {to}")
	}
	if d.g.Success != "" && !strings.Contains(d.g.Success, "=") {
		return errors.New("success is not path=value")
	}
	return nil
}

func escapeJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // never, for a string
		return ""
	}
	return string(b[1 : len(b)-1])
}

func escapeXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // never fails on a builder
	return b.String()
}

func (d *generic) request(o record.Outgoing, from, receipt string) (*http.Request, error) {
	values := map[string]string{"to": o.Message.To.Address, "to_digits": strings.TrimPrefix(o.Message.To.Address, "+"), "from": from,
		"text": o.Message.Text, "key": o.Key(), "receipt_url": receipt, "username": d.cfg.Username, "password": d.cfg.Password}
	fill := func(s string, escape func(string) string) string {
		return placeholder.ReplaceAllStringFunc(s, func(m string) string { return escape(values[m[1:len(m)-1]]) })
	}
	req, err := http.NewRequest(d.g.Method, fill(d.cfg.URL, url.QueryEscape), strings.NewReader(fill(d.g.Body, d.escape)))
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("Content-Type", d.g.ContentType)
	for name, value := range d.g.Headers {
		req.Header.Set(name, fill(value, func(s string) string { return strings.Map(inHeader, s) }))
	}
	if d.cfg.Username != "" && req.Header.Get("Authorization") == "" {
		req.SetBasicAuth(d.cfg.Username, d.cfg.Password)
	}
	return req, nil
}

func inHeader(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

func (d *generic) accepted(body []byte) (string, error) {
	if d.g.Success == "" && d.g.MessageID == "" {
		return "", nil
	}
	doc, err := parseJSON(body)
	if err != nil {
		return "", notUnderstood(body)
	}
	if path, want, _ := strings.Cut(d.g.Success, "="); d.g.Success != "" {
		if got, _ := at(doc, path); got != want {
			return "", &message.Failure{Code: "answer", Detail: message.Shorten(string(body))} // it may be so for now only
		}
	}
	id, _ := at(doc, d.g.MessageID)
	return id[:min(len(id), 200)], nil
}

func (d *generic) refused(int, []byte) *message.Failure { return nil }

func (d *generic) receipts(fields url.Values, body []byte) ([]message.Notice, error) {
	doc, _ := parseJSON(body) // nil where it is none: then the fields tell
	get := func(path string) string {
		if s, ok := at(doc, path); ok {
			return s
		}
		return fields.Get(path)
	}
	status := get(d.g.Receipts.Status)
	if d.g.Receipts.Status == "" || status == "" {
		return nil, errors.New("generic: no status")
	}
	n := message.Notice{GatewayID: get(d.g.Receipts.ID), Receipt: record.Receipt{State: record.MessageSent, Code: "receipt", Detail: message.Shorten(status)}}
	switch {
	case slices.Contains(d.g.Receipts.Delivered, status):
		n.Receipt.State = record.MessageDelivered
	case slices.Contains(d.g.Receipts.Failed, status):
		n.Receipt.State = record.MessageFailed
	}
	return []message.Notice{n}, nil
}

func parseJSON(body []byte) (doc any, err error) {
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	return doc, dec.Decode(&doc)
}

// at finds a value in a JSON document by keys and, in lists, places counted from 0, with dots between them.
func at(doc any, path string) (string, bool) {
	if path == "" {
		return "", false
	}
	for key := range strings.SplitSeq(path, ".") {
		switch x := doc.(type) {
		case map[string]any:
			doc = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(x) {
				return "", false
			}
			doc = x[i]
		default:
			return "", false
		}
	}
	switch x := doc.(type) {
	case string:
		return x, true
	case json.Number:
		return x.String(), true
	case bool:
		return strconv.FormatBool(x), true
	}
	return "", false
}
