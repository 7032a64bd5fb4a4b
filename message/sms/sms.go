// Package sms hands messages to SMS gateways over HTTP. Each gateway is a driver, a small file that stands in the table
// drivers: what it is asked, and what its answers and receipts mean. What all have in common is here: how answers, errors of
// the network, and haste (429) are told apart.
//
// It never follows a redirect, since that would hand the password on, and speaks plain HTTP only to this machine.
package sms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"telefonist/directory"
	"telefonist/message"
	"telefonist/record"
)

// Config of a gateway.
type Config struct {
	Driver string // a name of Drivers
	// URL of its API; empty: the driver's own.
	URL                string
	Username, Password string
	// From is the sender of tenants that have none: a name of at most 11 letters and digits, or a number.
	From    string
	Generic Generic
	// Timeout bounds an attempt beside the context; zero: the context alone does.
	Timeout time.Duration
	// Receipt gives the address that receipts of a message are posted to, from its key; empty: none are asked for. nil: none.
	Receipt func(key string) string
}

// driver knows one gateway. It keeps no state.
type driver interface {
	// request writes the request for a message. from is the sender, receipt where receipts go, empty for none.
	request(o record.Outgoing, from, receipt string) (*http.Request, error)
	// accepted reads the answer to a request that the gateway answered with 2xx, whole. It gives the gateway's name for the
	// message; the error is a *message.Failure.
	accepted(body []byte) (id string, err error)
	// refused may say more of an answer that is not 2xx than its status does; nil: nothing more.
	refused(status int, body []byte) *message.Failure
	// receipts reads what the gateway posts.
	receipts(fields url.Values, body []byte) ([]message.Notice, error)
}

// drivers is the one place where a driver registers itself.
var drivers = map[string]func(Config) (driver, error){
	"46elks":  newElks,
	"twilio":  newTwilio,
	"generic": newGeneric,
}

// Drivers lists the names of all drivers, sorted.
func Drivers() []string { return slices.Sorted(maps.Keys(drivers)) }

// Gateway is a gateway as a transport.
type Gateway struct {
	cfg    Config
	driver driver
	client *http.Client
}

// New checks a configuration. Nothing is opened.
func New(c Config) (*Gateway, error) {
	make, known := drivers[c.Driver]
	if !known {
		return nil, fmt.Errorf("sms: there is no gateway %q: write one of %s", c.Driver, strings.Join(Drivers(), ", "))
	}
	if c.From != "" {
		var err error
		if c.From, err = directory.ParseSMSSender(c.From); err != nil {
			return nil, fmt.Errorf("sms: %w", err)
		}
	}
	d, err := make(c)
	if err != nil {
		return nil, fmt.Errorf("sms: %s: %w", c.Driver, err)
	}
	return &Gateway{cfg: c, driver: d, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10},
	}}, nil
}

// Close lets go of connections that are kept open.
func (g *Gateway) Close() { g.client.CloseIdleConnections() }

// Name implements message.Transport.
func (g *Gateway) Name() string { return g.cfg.Driver }

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

// Send implements message.Transport.
func (g *Gateway) Send(ctx context.Context, o record.Outgoing) (string, error) {
	if g.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, g.cfg.Timeout)
		defer cancel()
	}
	from := o.Message.From.Address
	if from == "" {
		from = g.cfg.From
	}
	receipt := ""
	if g.cfg.Receipt != nil {
		receipt = g.cfg.Receipt(o.Key())
	}
	req, err := g.driver.request(o, from, receipt)
	if err != nil {
		return "", &message.Failure{Code: "content", Detail: err.Error(), Permanent: true}
	}
	req.Header.Set("User-Agent", "telefonist")
	res, err := g.client.Do(req.WithContext(ctx))
	if err != nil {
		return "", broken(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode >= 300 || res.StatusCode < 200:
		return "", g.refused(res, body)
	case err != nil:
		return "", broken(err)
	}
	return g.driver.accepted(body)
}

// broken is a connection that failed, of which only an attempt to connect leaves no doubt.
func broken(err error) *message.Failure {
	f := &message.Failure{Code: "network", Detail: message.Shorten(withoutURL(err).Error()), Gateway: true, Uncertain: true}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		f.Uncertain = false
	}
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		f.Code = "timeout"
	}
	return f
}

// withoutURL drops the address from an error, since it may hold a number, a text or a password.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// refused is an answer that is not 2xx. What is wrong with this message is permanent, all else is the gateway's.
func (g *Gateway) refused(res *http.Response, body []byte) *message.Failure {
	code := res.StatusCode
	f := &message.Failure{Code: fmt.Sprintf("http %d", code), Detail: message.Shorten(string(body)), After: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	switch {
	case code < 400, code == http.StatusUnauthorized, code == http.StatusPaymentRequired, code == http.StatusForbidden, code == http.StatusNotFound,
		code == http.StatusMethodNotAllowed, code == http.StatusRequestTimeout, code == http.StatusProxyAuthRequired, code == http.StatusTooEarly,
		code == http.StatusTooManyRequests:
		f.Gateway = true // the account, the address, the haste
	case code < 500:
		f.Permanent = true
	default:
		f.Gateway = true
		f.Uncertain = code != http.StatusServiceUnavailable && code != http.StatusNotImplemented
	}
	if more := g.driver.refused(code, body); more != nil {
		more.After = f.After
		return more
	}
	return f
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3).
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n < 1<<30 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// Receipts implements message.Receiver.
func (g *Gateway) Receipts(fields url.Values, body []byte) ([]message.Notice, error) {
	return g.driver.receipts(fields, body)
}

// endpoint checks the address of an API: HTTPS, or HTTP on this machine.
func endpoint(s, own string) (string, error) {
	if s == "" {
		s = own
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return "", errors.New("url is not an address: write https://…")
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return "", errors.New("url is not https, so that texts and password would travel in the clear: write https://…")
	}
	return s, nil
}

// form writes a POST of form fields with a password.
func (c Config) form(address string, fields url.Values) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodPost, address, bytes.NewReader([]byte(fields.Encode())))
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(c.Username, c.Password)
	return req, nil
}

// notUnderstood is a 2xx answer that makes no sense: perhaps not the gateway's at all, so the message is sent again.
func notUnderstood(body []byte) *message.Failure {
	return &message.Failure{Code: "answer", Detail: message.Shorten(string(body)), Gateway: true, Uncertain: true}
}
