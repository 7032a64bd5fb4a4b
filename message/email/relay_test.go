package email

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"telefonist/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taken is an e-mail that the relay has.
type taken struct {
	from string
	to   []string
	opts smtp.RcptOptions
	data []byte
	tls  bool
	user string
}

// relay is a real SMTP server on loopback, whose mood each test decides.
type relay struct {
	*smtp.Server
	port int
	tls  *tls.Config // for clients

	onMail, onRcpt, onData func() error // nil: everything is taken
	drop                   func() bool  // break the connection amid DATA

	mu  sync.Mutex
	got []taken
}

func (r *relay) taken() []taken {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]taken(nil), r.got...)
}

// certificate makes a certificate for 127.0.0.1 and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// start starts a relay that knows STARTTLS, or speaks TLS from the first byte.
func start(t *testing.T, implicit bool) *relay {
	t.Helper()
	cert, pool := certificate(t)
	r := &relay{tls: &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}}
	r.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{relay: r, conn: c}, nil }))
	r.Domain, r.EnableDSN, r.EnableSMTPUTF8, r.AllowInsecureAuth = "relay.test", true, true, true
	r.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	r.ErrorLog = log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.port = l.Addr().(*net.TCPAddr).Port
	if implicit {
		l = tls.NewListener(l, r.TLSConfig)
		r.TLSConfig = nil
	}
	done := make(chan error, 1)
	go func() { done <- r.Serve(l) }()
	t.Cleanup(func() {
		_ = r.Close()
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return r
}

// session is one connection.
type session struct {
	relay *relay
	conn  *smtp.Conn
	mail  taken
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain, sasl.Login} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "telefonist" || password != "hemligt" {
			return smtp.ErrAuthFailed
		}
		s.mail.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.from = from
	return mood(s.relay.onMail)
}

func (s *session) Rcpt(to string, opts *smtp.RcptOptions) error {
	s.mail.to, s.mail.opts = append(s.mail.to, to), *opts
	return mood(s.relay.onRcpt)
}

func (s *session) Data(r io.Reader) error {
	if s.relay.drop != nil && s.relay.drop() {
		_ = s.conn.Conn().Close()
		return errors.New("dropped")
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := mood(s.relay.onData); err != nil {
		return err
	}
	m := s.mail
	m.data = bytes.Clone(data)
	_, m.tls = s.conn.TLSConnectionState()
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	s.relay.got = append(s.relay.got, m)
	return nil
}

func (s *session) Reset() {}

func (s *session) Logout() error { return nil }

func mood(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (r *relay) config(security Security) Config {
	return Config{Host: "127.0.0.1", Port: r.port, Security: security, From: record.Sender{Address: "telefonist@example.com", Name: "Telefonist åäö"},
		TLS: r.tls, Reports: true, Timeout: 10 * time.Second}
}

func gateway(t *testing.T, c Config) *Gateway {
	t.Helper()
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func outgoing() record.Outgoing {
	return record.NewOutgoing(record.Message{ID: "m1", Tenant: "acme", Channel: record.Email, Created: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		To:      record.Recipient{Kind: record.ToPerson, Name: "Åsa \"A\" Ek, chef", Address: "asa@example.com"},
		From:    record.Sender{Address: "sales@acme.example", Name: "Acme AB", ReplyTo: "kim@example.com"},
		Subject: "Telefonmeddelande från Kim Öberg", Text: "Hej Åsa!\n.\nTel +46701234567\nFrån", HTML: "<p>Hej Åsa! <a href=\"tel:+46701234567\">+46701234567</a></p>"})
}
