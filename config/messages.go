package config

import (
	"net"
	"strings"
	"time"

	"telefonist/directory"
)

// Messages is how messages are sent.
type Messages struct {
	Email EmailGateway `yaml:"email"`
	SMS   SMSGateway   `yaml:"sms"`
	Retry MessageRetry `yaml:"retry"`
	// Rate is in messages a minute, for each tenant and channel.
	Rate              int              `yaml:"rate" max:"100000"`
	Keep              time.Duration    `yaml:"keep" min:"24h" max:"87600h" off:"zero"`
	ReceiptSecret     directory.Secret `yaml:"receipt_secret"`
	ReceiptSecretFile string           `yaml:"receipt_secret_file"`
}

// EmailGateway is the relay that takes e-mail.
type EmailGateway struct {
	Host         string           `yaml:"host"`
	Port         int              `yaml:"port" min:"1" max:"65535"`
	Security     string           `yaml:"security" enum:"starttls|tls|none|insecure"`
	Username     string           `yaml:"username"`
	Password     directory.Secret `yaml:"password"`
	PasswordFile string           `yaml:"password_file"`
	From         string           `yaml:"from"`
	FromName     string           `yaml:"from_name"`
	ReplyTo      string           `yaml:"reply_to"`
	ReturnPath   string           `yaml:"return_path"`
	Hello        string           `yaml:"hello"`
	Reports      bool             `yaml:"reports"`
	Timeout      time.Duration    `yaml:"timeout" min:"1s" max:"5m"`
}

// SMSGateway is the service that takes SMS.
type SMSGateway struct {
	Gateway      string           `yaml:"gateway" enum:"none|46elks|twilio|generic"`
	URL          string           `yaml:"url"`
	Username     string           `yaml:"username"`
	Password     directory.Secret `yaml:"password"`
	PasswordFile string           `yaml:"password_file"`
	From         string           `yaml:"from"`
	MaxSegments  int              `yaml:"max_segments" min:"1" max:"20"`
	Timeout      time.Duration    `yaml:"timeout" min:"1s" max:"5m"`
	Generic      GenericSMS       `yaml:"generic"`
}

// GenericSMS describes a gateway that the server does not know.
type GenericSMS struct {
	Method      string             `yaml:"method" enum:"POST|PUT|GET"`
	ContentType string             `yaml:"content_type"`
	Headers     map[string]string  `yaml:"headers"`
	Body        string             `yaml:"body"`
	Success     string             `yaml:"success"`
	MessageID   string             `yaml:"message_id"`
	Receipts    GenericSMSReceipts `yaml:"receipts"`
}

// GenericSMSReceipts says how its receipts are read.
type GenericSMSReceipts struct {
	ID        string   `yaml:"id"`
	Status    string   `yaml:"status"`
	Delivered []string `yaml:"delivered"`
	Failed    []string `yaml:"failed"`
}

// MessageRetry says how failed attempts are repeated.
type MessageRetry struct {
	First  time.Duration `yaml:"first" min:"1s" max:"1h"`
	Max    time.Duration `yaml:"max" min:"1s" max:"24h"`
	GiveUp time.Duration `yaml:"give_up" min:"1m" max:"720h"`
}

func defaultMessages() Messages {
	return Messages{
		Email: EmailGateway{Port: 587, Security: "starttls", Reports: true, Timeout: 30 * time.Second},
		SMS: SMSGateway{Gateway: "none", MaxSegments: 4, Timeout: 30 * time.Second, Generic: GenericSMS{Method: "POST",
			ContentType: "application/json", Headers: map[string]string{}, Receipts: GenericSMSReceipts{Delivered: []string{}, Failed: []string{}}}},
		Retry: MessageRetry{First: 10 * time.Second, Max: 15 * time.Minute, GiveUp: 24 * time.Hour},
		Rate:  60, Keep: 90 * 24 * time.Hour,
	}
}

// checkMessages looks at what has to fit together; what a gateway itself asks for is checked where it is made.
func (c *Config) checkMessages() {
	m := c.Messages
	c.checkSecret("messages.email.password", m.Email.Password, "messages.email.password_file", m.Email.PasswordFile)
	c.checkSecret("messages.sms.password", m.SMS.Password, "messages.sms.password_file", m.SMS.PasswordFile)
	c.checkSecret("messages.receipt_secret", m.ReceiptSecret, "messages.receipt_secret_file", m.ReceiptSecretFile)
	e := m.Email
	if e.Host != "" && e.From == "" {
		c.src.fail("messages.email.from", "is empty", "write the address that e-mail comes from, such as telefonist@example.com")
	}
	if (e.Username == "") != (e.Password == "" && e.PasswordFile == "") {
		c.src.fail("messages.email.username", "username and password belong together", "write both, or neither")
	}
	ip := net.ParseIP(e.Host)
	if e.Host != "" && e.Security == "none" && e.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		c.src.fail("messages.email.security", "none is for a relay on this machine", "write starttls or tls, or insecure if it must be")
	}
	if e.Host != "" && e.Security == "insecure" {
		c.src.warn("messages.email.security", "messages travel in the clear", "write starttls or tls")
	}
	if m.Retry.First > m.Retry.Max {
		c.src.fail("messages.retry.first", "is longer than max", "write a shorter one")
	}
	if secret := m.ReceiptSecret; secret != "" && len(secret) < 16 {
		c.src.fail("messages.receipt_secret", "is shorter than 16 characters", "write random ones (openssl rand -base64 24), or use receipt_secret_file")
	}
	if (m.ReceiptSecret != "" || m.ReceiptSecretFile != "") && !strings.HasPrefix(string(c.Web.ExternalURL), "http") {
		c.src.fail("messages.receipt_secret", "receipts need an address that gateways reach", "write web.external_url as well")
	}
}

// checkSecret refuses a secret that is given twice, or empty.
func (c *Config) checkSecret(at string, value directory.Secret, fileAt, file string) {
	_, given := c.src.at[at]
	switch {
	case given && file != "":
		c.src.fail(at, "is given, and "+fileAt[strings.LastIndexByte(fileAt, '.')+1:]+" too", "take one out")
	case given && value == "":
		c.src.fail(at, "is empty", "write it, or take the line out")
	}
	c.src.inline = c.src.inline || given
}

// readMessageSecrets reads the files that secrets of gateways stand in.
func (c *Config) readMessageSecrets(folder string) {
	m := &c.Messages
	for _, f := range []struct {
		at   string
		file *string
		to   *directory.Secret
	}{
		{"messages.email.password_file", &m.Email.PasswordFile, &m.Email.Password}, {"messages.sms.password_file", &m.SMS.PasswordFile, &m.SMS.Password},
		{"messages.receipt_secret_file", &m.ReceiptSecretFile, &m.ReceiptSecret},
	} {
		if *f.file == "" || *f.to != "" {
			continue
		}
		*f.file = beside(folder, *f.file)
		if *f.to = readSecret(c.src, f.at, *f.file); *f.to == "" && !c.failed(f.at) {
			c.src.fail(f.at, "the file is empty", "write the secret into it")
		}
	}
}
