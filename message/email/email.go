// Package email hands messages to an SMTP relay (RFC 5321) and reads the delivery reports that come back (RFC 3464).
//
// Every attempt at a message carries the same Message-ID, made from its key, so that what sees it twice can tell. Signing
// (DKIM) and the queue behind it are the relay's. The package keeps no connection between messages and no state.
package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"telefonist/message"
	"telefonist/record"
)

// Security is how the connection to the relay is protected.
type Security string

// Kinds of security.
const (
	StartTLS Security = "starttls" // plain at first, then STARTTLS or nothing (RFC 3207)
	TLS      Security = "tls"      // from the first byte (RFC 8314)
	// None is for a relay on this machine: it is refused for any other.
	None Security = "none"
	// Insecure sends in the clear to another machine: whoever is between can read it.
	Insecure Security = "insecure"
)

// Config of a relay.
type Config struct {
	Host     string
	Port     int
	Security Security
	// Username and Password for AUTH; empty: none. The safest mechanism that the relay offers is taken, and none that gives
	// the password away in the clear.
	Username, Password string
	From               record.Sender // of tenants that have none
	// ReturnPath is where reports of failure go. Empty: to the sender.
	ReturnPath string
	// Hello is the name that we give ourselves. Empty: that of the machine.
	Hello string
	// Domain is what stands behind the @ of Message-IDs. Empty: that of From.
	Domain string
	// Reports asks the relay for delivery reports (RFC 3461), where it can.
	Reports bool
	Timeout time.Duration // of a whole attempt, beside the context's. Default 30 s
	// TLS is for tests; nil: the system's certificates, the relay's name.
	TLS *tls.Config
}

// Gateway is the relay as a transport.
type Gateway struct{ cfg Config }

// New checks a configuration. Nothing is opened.
func New(c Config) (*Gateway, error) {
	var err error
	if c.Host == "" || c.Port < 1 || c.Port > 65535 {
		return nil, errors.New("e-mail: host or port is missing")
	}
	if c.From.Address, err = message.ParseEmail(c.From.Address); err != nil {
		return nil, fmt.Errorf("e-mail: sender: %w", err)
	}
	if c.ReturnPath != "" {
		if c.ReturnPath, err = message.ParseEmail(c.ReturnPath); err != nil {
			return nil, fmt.Errorf("e-mail: return path: %w", err)
		}
	}
	switch c.Security {
	case StartTLS, TLS:
	case None:
		if !Loopback(c.Host) {
			return nil, fmt.Errorf("e-mail: %s is another machine: use starttls or tls, or insecure if it must be", c.Host)
		}
	case Insecure:
		if c.Username != "" {
			return nil, errors.New("e-mail: a password is not sent in the clear to another machine: use starttls or tls")
		}
	default:
		return nil, fmt.Errorf("e-mail: %q is no kind of security", c.Security)
	}
	if c.Domain == "" {
		_, c.Domain, _ = strings.Cut(c.From.Address, "@")
	}
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	if c.TLS == nil {
		c.TLS = &tls.Config{ServerName: c.Host, MinVersion: tls.VersionTLS12}
	}
	return &Gateway{c}, nil
}

// Loopback tells whether a host is this machine.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Name implements message.Transport.
func (g *Gateway) Name() string { return "smtp" }

// Send implements message.Transport: one connection, one message.
func (g *Gateway) Send(ctx context.Context, o record.Outgoing) (string, error) {
	msg, err := g.write(o)
	if err != nil {
		return "", &message.Failure{Code: "content", Detail: err.Error(), Permanent: true}
	}
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Timeout)
	defer cancel()
	client, err := gomail.NewClient(g.cfg.Host, g.options(ctx)...)
	if err != nil {
		return "", &message.Failure{Code: "configuration", Detail: err.Error(), Gateway: true}
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return "", dialFailure(err)
	}
	defer session.Close()
	if err := client.SendWithSMTPClient(session, msg); err != nil && !msg.IsDelivered() {
		return "", sendFailure(err)
	}
	_ = session.Quit() // the message is the relay's already
	return relayID(msg.ServerResponse()), nil
}

func (g *Gateway) options(ctx context.Context) []gomail.Option {
	c := g.cfg
	opts := []gomail.Option{gomail.WithPort(c.Port), gomail.WithTimeout(c.Timeout), gomail.WithTLSConfig(c.TLS.Clone()), gomail.WithoutNoop(),
		gomail.WithoutSMTPUTF8(), gomail.WithDialContextFunc(g.dial(ctx))}
	switch c.Security {
	case StartTLS:
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case TLS: // dial has made it; opportunistic lets the client see that
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	default:
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if c.Hello != "" {
		opts = append(opts, gomail.WithHELO(c.Hello))
	}
	if c.Username != "" {
		kind := gomail.SMTPAuthAutoDiscover
		if c.Security == None {
			kind = gomail.SMTPAuthPlainNoEnc
		}
		opts = append(opts, gomail.WithSMTPAuth(kind), gomail.WithUsername(c.Username), gomail.WithPassword(c.Password))
	}
	if c.Reports {
		opts = append(opts, gomail.WithDSNMailReturnType(gomail.DSNMailReturnHeadersOnly),
			gomail.WithDSNRcptNotifyType(gomail.DSNRcptNotifySuccess, gomail.DSNRcptNotifyFailure, gomail.DSNRcptNotifyDelay))
	}
	return opts
}

// dial connects. The connection breaks when ctx ends, wherever the session stands then: the library itself only knows
// deadlines.
func (g *Gateway) dial(ctx context.Context) gomail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		if g.cfg.Security != TLS {
			return conn, nil
		}
		secure := tls.Client(conn, g.cfg.TLS.Clone())
		if err := secure.HandshakeContext(dialing); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return secure, nil
	}
}

// write makes the e-mail of a message.
func (g *Gateway) write(o record.Outgoing) (*gomail.Msg, error) {
	m, from := o.Message, o.Message.From
	if from.Address == "" {
		from.Address = g.cfg.From.Address
		if from.Name == "" {
			from.Name = g.cfg.From.Name
		}
	}
	if from.ReplyTo == "" {
		from.ReplyTo = g.cfg.From.ReplyTo
	}
	if err := m.Validate(); err != nil { // no header may hold a line break
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	envelope := g.cfg.ReturnPath
	if envelope == "" {
		envelope = from.Address
	}
	if err := msg.EnvelopeFrom(envelope); err != nil {
		return nil, err
	}
	msg.FromMailAddress(&mail.Address{Name: from.Name, Address: from.Address})
	msg.AddToMailAddress(&mail.Address{Name: m.To.Name, Address: m.To.Address})
	if from.ReplyTo != "" {
		msg.ReplyToMailAddress(&mail.Address{Address: from.ReplyTo})
	}
	msg.SetMessageIDWithValue(o.Key() + "@" + g.cfg.Domain)
	msg.SetDateWithValue(o.Queued)
	msg.Subject(m.Subject)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no machine should answer
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// relayID finds the relay's own name in its last answer, for those who look into its log: "2.0.0 Ok: queued as 4WxYz".
func relayID(response string) string {
	fields := strings.Fields(response)
	for i, f := range fields {
		if strings.EqualFold(f, "as") && i+1 < len(fields) || strings.HasPrefix(strings.ToLower(f), "id=") {
			if !strings.HasPrefix(strings.ToLower(f), "id=") {
				f = fields[i+1]
			}
			f = strings.Trim(strings.TrimPrefix(f, "id="), ".<>()")
			return f[:min(len(f), 100)]
		}
	}
	return ""
}
