package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// request writes a request as a peer would: headers given replace those of the
// same name, an empty value takes a header away.
func request(method string, headers ...string) string {
	return requestBody(method, "", headers...)
}

func requestBody(method, body string, headers ...string) string {
	lines := []string{
		"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK" + method + "1;rport",
		"From: <sip:alice@192.0.2.10>;tag=ft",
		"To: <sip:bob@192.0.2.1>",
		"Call-ID: call-1",
		"CSeq: 1 " + method,
		"Max-Forwards: 70",
		"Contact: <sip:alice@192.0.2.10>",
		fmt.Sprintf("Content-Length: %d", len(body)),
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		at := -1
		for i, l := range lines {
			if n, _, _ := strings.Cut(l, ":"); n == name {
				at = i
			}
		}
		switch {
		case at >= 0 && strings.TrimSpace(value) == "":
			lines = append(lines[:at], lines[at+1:]...)
		case at >= 0 && !strings.HasPrefix(name, "+"):
			lines[at] = h
		default:
			lines = append(lines, strings.TrimPrefix(h, "+"))
		}
	}
	return method + " sip:bob@192.0.2.1 SIP/2.0\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

func TestGuardRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		msg  string
		code int
		why  string
	}{
		"NUL in a header":               {request("INVITE", "Subject: a\x00b"), 400, refusedControl},
		"bare LF in a display name":     {request("INVITE", "From: \"a\nEvil: 1\" <sip:a@b>;tag=1"), 400, refusedControl},
		"bare CR in a header":           {request("INVITE", "Subject: a\rEvil: 1"), 400, refusedControl},
		"ESC in a header":               {request("INVITE", "User-Agent: \x1b[31mred"), 400, refusedControl},
		"two From":                      {request("INVITE", "+From: <sip:b@c>;tag=2"), 400, refusedMalformed},
		"two From, one compact":         {request("INVITE", "f: <sip:b@c>;tag=2"), 400, refusedMalformed},
		"two Refer-To":                  {request("REFER", "Refer-To: <sip:1@a>", "r: <sip:2@a>"), 400, refusedMalformed},
		"no Call-ID":                    {request("INVITE", "Call-ID:"), 400, refusedMalformed},
		"no Via":                        {request("INVITE", "Via:"), 400, refusedMalformed},
		"no Contact in INVITE":          {request("INVITE", "Contact:"), 400, refusedMalformed},
		"CSeq of another method":        {request("INVITE", "CSeq: 1 BYE"), 400, refusedMalformed},
		"CSeq too large":                {request("INVITE", "CSeq: 2147483648 INVITE"), 400, refusedMalformed},
		"version 7":                     {strings.Replace(request("INVITE"), "SIP/2.0", "SIP/7.0", 1), 505, refusedVersion},
		"http URI":                      {strings.Replace(request("INVITE"), "sip:bob", "http:bob", 1), 416, refusedScheme},
		"method in lower case":          {strings.Replace(request("INVITE"), "INVITE", "invite", 1), 501, refusedMethod},
		"Content-Length twice":          {request("INVITE", "l: 0"), 400, refusedLength},
		"Content-Length with a sign":    {request("INVITE", "Content-Length: +0"), 400, refusedLength},
		"Content-Length in hex":         {request("INVITE", "Content-Length: 0x0"), 400, refusedLength},
		"Content-Length too large":      {request("INVITE", "Content-Length: 10"), 400, refusedLength},
		"space in a header name":        {request("INVITE", "Sub ject: x"), 400, refusedMalformed},
		"line without colon":            {request("INVITE", "nonsense"), 400, refusedMalformed},
		"two addresses in From":         {request("INVITE", "From: <sip:a@b>;tag=1, <sip:c@d>"), 400, refusedMalformed},
		"open quote":                    {request("INVITE", "To: \"Bob <sip:bob@b>"), 400, refusedMalformed},
		"Via of another protocol":       {request("INVITE", "Via: HTTP/1.1/UDP a;branch=z9hG4bK1"), 400, refusedMalformed},
		"Via port 0":                    {request("INVITE", "Via: SIP/2.0/UDP a:0;branch=z9hG4bK1"), 400, refusedMalformed},
		"too many headers":              {request("INVITE", "X: "+strings.Repeat("1\r\nX: ", 300)+"1"), 400, refusedMalformed},
		"no empty line":                 {strings.TrimSuffix(request("INVITE"), "\r\n"), 400, refusedMalformed},
		"text":                          {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, refusedGarbage},
		"response with an absurd code":  {strings.Replace(request("INVITE"), "INVITE sip:bob@192.0.2.1 SIP/2.0", "SIP/2.0 4294967301 OK", 1), 0, refusedMalformed},
		"response with another version": {strings.Replace(request("INVITE"), "INVITE sip:bob@192.0.2.1 SIP/2.0", "SIP/3.0 200 OK", 1), 0, refusedVersion},
	} {
		t.Run(name, func(t *testing.T) {
			m, ref := inspect([]byte(tt.msg), false)
			if ref == nil {
				t.Fatalf("let through:\n%s", m.bytes())
			}
			if ref.code != tt.code || ref.label != tt.why {
				t.Fatalf("%v (%s), want %d (%s)", ref, ref.label, tt.code, tt.why)
			}
		})
	}
}

func TestFrameRefusesWhatHidesASecondRequest(t *testing.T) {
	hidden := request("BYE")
	for name, msg := range map[string]string{
		"two lengths":           requestBody("OPTIONS", hidden, "l: 0"),
		"same length twice":     requestBody("OPTIONS", hidden, fmt.Sprintf("l: %d", len(hidden))),
		"no length":             requestBody("OPTIONS", hidden, "Content-Length:"),
		"negative length":       requestBody("OPTIONS", hidden, "Content-Length: -1"),
		"length list":           requestBody("OPTIONS", hidden, "Content-Length: 0, 5"),
		"length with bare LF":   requestBody("OPTIONS", hidden, "Subject: a\nContent-Length: 0"),
		"length after a NUL":    requestBody("OPTIONS", hidden, "Subject: a\x00\r\nl: 0"),
		"name with space":       requestBody("OPTIONS", hidden, "Content Length: 0"),
		"header without a name": requestBody("OPTIONS", hidden, ": 0"),
	} {
		t.Run(name, func(t *testing.T) {
			n, ref := frame([]byte(msg), maxMessage)
			if ref == nil || !ref.fatal || ref.code != 400 {
				t.Fatalf("framed %d of %d bytes, %v", n, len(msg), ref)
			}
		})
	}
}

func TestFrameWaitsForTheWholeMessage(t *testing.T) {
	msg := requestBody("OPTIONS", "0123456789")
	both := []byte(msg + msg)
	for i := range len(msg) {
		if n, ref := frame(both[:i], maxMessage); n != 0 || ref != nil {
			t.Fatalf("after %d bytes: %d, %v", i, n, ref)
		}
	}
	for i := len(msg); i <= len(both); i++ {
		if n, ref := frame(both[:i], maxMessage); n != len(msg) || ref != nil {
			t.Fatalf("after %d bytes: %d, %v", i, n, ref)
		}
	}
	if _, ref := frame(both, len(msg)-1); ref != errTooLarge {
		t.Fatal("limit not kept")
	}
}

func TestUnsafeHeadersAreNotSent(t *testing.T) {
	for name, h := range map[string]sip.Header{
		"CRLF and a header": sip.NewHeader("Subject", "x\r\nEvil: 1"),
		"bare LF":           sip.NewHeader("Subject", "x\nEvil: 1"),
		"bare CR":           sip.NewHeader("Subject", "x\rEvil: 1"),
		"NUL":               sip.NewHeader("Subject", "x\x00"),
		"name with a break": sip.NewHeader("A: 1\r\nSubject", "x"),
	} {
		req := sip.NewRequest(sip.OPTIONS, sip.Uri{Host: "a"})
		req.AppendHeader(h)
		req.SetBody([]byte("body\r\n\x00"))
		if safeToSend([]byte(req.String()), len(req.Body()), headerCount(req)) {
			t.Errorf("%s is thought safe", name)
		}
	}
	req := sip.NewRequest(sip.OPTIONS, sip.Uri{Host: "a"})
	req.AppendHeader(sip.NewHeader("Subject", "räksmörgås\tx"))
	req.SetBody([]byte("body\r\n\x00"))
	if !safeToSend([]byte(req.String()), len(req.Body()), headerCount(req)) {
		t.Error("a good message is thought unsafe")
	}
}

// FuzzInspect: whatever comes, what is let through is clean, is let through
// again unchanged, and an answer to what is not has no stray line.
func FuzzInspect(f *testing.F) {
	f.Add([]byte(request("INVITE")), true)
	f.Add([]byte(requestBody("INVITE", "v=0\r\n", "v: SIP / 2.0 / UDP a ; rport , SIP/2.0/TCP [::1]:5", "m: *")), false)
	f.Add([]byte(request("INVITE", "CSeq: 1 BYE", "To: \"\\\"\" <sip:a>;tag")), false)
	f.Add([]byte("SIP/2.0 180 \r\nVia: SIP/2.0/UDP a\r\nf: sip:a\r\nt: sip:b\r\ni: 1\r\nCSeq: 1 X\r\nl: 0\r\n\r\n"), true)
	f.Fuzz(func(t *testing.T, data []byte, stream bool) {
		n, ref := frame(data, maxMessage)
		if ref == nil && n > len(data) {
			t.Fatalf("framed %d of %d bytes", n, len(data))
		}
		m, ref := inspect(data, stream)
		if ref != nil {
			if ref.code != 0 && m.isRequest() {
				if out, _, ok := m.answer(ref, peerAddr); ok && checkControl(out) != nil {
					t.Fatalf("control byte in answer %q", out)
				}
			}
			return
		}
		out := m.bytes()
		head, _, _ := bytes.Cut(out, []byte("\r\n\r\n"))
		if c := checkControl(append(head, "\r\n"...)); c != nil {
			t.Fatalf("%v in %q", c, out)
		}
		again, ref := inspect(out, stream)
		if ref != nil {
			t.Fatalf("refused the second time: %v\n%q", ref, out)
		}
		if !bytes.Equal(again.bytes(), out) {
			t.Fatalf("not stable:\n%q\n%q", out, again.bytes())
		}
		if msg, err := sip.ParseMessage(out); err == nil {
			exercise(msg)
		}
	})
}

// exercise does what the stack does with any parsed message.
func exercise(msg sip.Message) {
	_ = clientKey(msg)
	_ = msg.String()
	if req, ok := msg.(*sip.Request); ok {
		_ = serverKey(req, &flow{remote: peerAddr}, req.Method)
		stampVia(req.Via(), peerAddr)
		_ = sip.NewResponseFromRequest(req, 200, "OK", nil).String()
		if req.Contact() != nil {
			_ = ackOf(req, sip.NewResponseFromRequest(req, 486, "Busy", nil)).String()
		}
	}
}
