package email

import (
	"net/url"
	"strings"
	"testing"

	"telefonist/record"
)

// postfix is a report as Postfix 3.7 writes it.
const postfix = `Return-Path: <>
From: MAILER-DAEMON@relay.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: telefonist@example.com
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4Wx.1/relay.example"

This is a MIME-encapsulated message.

--4Wx.1/relay.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--4Wx.1/relay.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
X-Postfix-Queue-ID: 4Wx
Arrival-Date: Mon, 23 Nov 2026 09:00:00 +0100 (CET)

Final-Recipient: rfc822; asa@example.com
Original-Recipient: rfc822;asa@example.com
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 5.1.1 <asa@example.com>: Recipient address rejected:
    User unknown

--4Wx.1/relay.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Message-ID: <m1.2@Example.com>
Subject: =?UTF-8?q?Telefonmeddelande?=

--4Wx.1/relay.example--
`

func TestReportsAreRead(t *testing.T) {
	crlf := strings.ReplaceAll(postfix, "\n", "\r\n")
	for _, text := range []string{postfix, crlf} {
		got, err := ParseReport([]byte(text), "example.com")
		want := Report{Key: "m1.2", Recipient: "asa@example.com", Action: "failed", Status: "5.1.1",
			Detail: "550 5.1.1 <asa@example.com>: Recipient address rejected: User unknown"}
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%+v, %v", got, err)
		}
		if r, ok := got[0].Receipt(); !ok || r.State != record.MessageFailed || r.Code != "dsn failed 5.1.1" {
			t.Errorf("%+v", r)
		}
	}
}

func TestReportsMeanStates(t *testing.T) {
	for action, want := range map[string]record.MessageState{"delivered": record.MessageDelivered, "Relayed": record.MessageSent, "expanded": record.MessageSent,
		"delayed": record.MessageSent, "failed": record.MessageFailed, "lost": ""} {
		text := strings.Replace(postfix, "Action: failed", "Action: "+action, 1)
		got, err := ParseReport([]byte(text), "example.com")
		if err != nil {
			t.Fatal(err)
		}
		if r, _ := got[0].Receipt(); r.State != want {
			t.Errorf("%s: %s", action, r.State)
		}
	}
}

func TestReportsOfOthersAreNotOurs(t *testing.T) {
	g := &Gateway{Config{Domain: "other.example"}}
	if got, err := g.Receipts(url.Values{}, []byte(postfix)); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	g.cfg.Domain = "example.com"
	if got, err := g.Receipts(url.Values{}, []byte(postfix)); err != nil || len(got) != 1 || got[0].Key != "m1.2" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "Subject: hej\n\nhej", "Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x--\n",
		strings.Replace(postfix, "delivery-status;", "disposition-notification;", 1)} {
		if _, err := ParseReport([]byte(text), "example.com"); err == nil {
			t.Errorf("%q was taken for a report", text)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(postfix))
	f.Add([]byte(strings.ReplaceAll(postfix, "\n", "\r\n")))
	f.Add([]byte(strings.Replace(postfix, "Content-Type: message/delivery-status", "Content-Transfer-Encoding: base64\nContent-Type: message/delivery-status", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ParseReport(data, "example.com")
		if err == nil && len(all) == 0 {
			t.Fatal("neither a report nor an error")
		}
		for _, r := range all {
			if _, _, ok := record.SplitKey(r.Key); r.Key != "" && !ok {
				t.Fatalf("key %q", r.Key)
			}
			receipt, ok := r.Receipt()
			if ok && (len(receipt.Code) > 30 || strings.ContainsAny(receipt.Detail, "\r\n\x00")) {
				t.Fatalf("%+v", receipt)
			}
		}
	})
}
