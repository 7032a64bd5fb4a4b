package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"

	gomail "github.com/wneessen/go-mail"

	"telefonist/message"
)

// dialFailure is what went wrong before a message was named: all of it is the relay's, or the configuration's.
func dialFailure(err error) *message.Failure {
	f := &message.Failure{Code: networkCode(err), Detail: message.Shorten(err.Error()), Gateway: true}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		f.Code = fmt.Sprintf("smtp %d", reply.Code)
	}
	return f
}

func networkCode(err error) string {
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var unknown x509.UnknownAuthorityError
	var timeout net.Error
	switch {
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &record):
		return "tls"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "network"
}

// sendFailure tells what the relay refuses for good (5xx), for now (4xx), and what broke (RFC 5321 section 4.2.1). The message
// may be the relay's where the connection broke behind its last byte (section 4.5.4.1).
func sendFailure(err error) *message.Failure {
	f := &message.Failure{Code: "network", Detail: message.Shorten(err.Error())}
	e, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		f.Uncertain = true
		return f
	}
	code := e.ErrorCode()
	if code != 0 {
		f.Code = fmt.Sprintf("smtp %d", code)
		if s := e.EnhancedStatusCode(); s != "" {
			f.Code += " " + s
		}
	}
	switch {
	case e.Reason == gomail.ErrGetSender, e.Reason == gomail.ErrGetRcpts, e.Reason == gomail.ErrNoUnencoded:
		f.Code, f.Permanent = "content", true
	case code == 0:
		f.Gateway, f.Uncertain = true, e.Reason == gomail.ErrSMTPDataClose
	case code == 421, code == 530, code == 535, code == 538, code == 454 && e.Reason == gomail.ErrSMTPMailFrom:
		f.Gateway = true // closing down, or it wants to know us first
	case code >= 500:
		f.Permanent = true
	}
	return f
}
