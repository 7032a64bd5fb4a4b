package wire

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// received takes one message off the wire: limits, guard, parser, dispatch. It
// runs on the reader's goroutine. It returns false where a stream must be closed.
func (s *Stack) received(data []byte, f *flow) bool {
	if !s.strangers.allow(f.remote) {
		s.m.refuse(refusedRate)
		s.debug("stranger over its rate", "peer", f.remote)
		return true
	}
	if len(data) > s.cfg.MaxMessage {
		s.refuse(errTooLarge, data, f)
		return false
	}
	m, ref := inspect(data, f.conn != nil)
	if ref != nil {
		s.refuseMessage(ref, m, len(data), f)
		return !ref.fatal
	}
	msg, err := s.parser.ParseSIP(m.bytes())
	if err != nil {
		s.refuseMessage(malformed("parser: %v", err), m, len(data), f)
		return true
	}
	msg.SetTransport(strings.ToUpper(f.network()))
	msg.SetSource(f.remote.String())
	switch msg := msg.(type) {
	case *sip.Request:
		s.m.request(string(msg.Method), directionIn)
		s.receivedRequest(msg, f, len(data))
	case *sip.Response:
		s.m.response(msg.StatusCode, directionIn)
		s.receivedResponse(msg, f)
	}
	return true
}

// refuse answers what could not be framed or is too large.
func (s *Stack) refuse(ref *refusal, data []byte, f *flow) {
	head := data
	if end := bytes.Index(data, []byte("\r\n\r\n")); end >= 0 {
		head = data[:end+2]
	}
	m, _ := readHead(head)
	s.refuseMessage(ref, m, len(data), f)
}

// refuseMessage counts, logs and answers a message that the guard refused.
func (s *Stack) refuseMessage(ref *refusal, m *rawMessage, size int, f *flow) {
	s.m.refuse(ref.label)
	s.debug("message refused", "reason", ref.label, "detail", ref.detail, "bytes", size, "peer", f.remote)
	if ref.code == 0 || !m.isRequest() || m.method == "ACK" {
		return
	}
	answer, to, ok := m.answer(ref, f.remote)
	if !ok {
		return
	}
	if f.conn == nil {
		if len(answer) > size {
			s.m.refuse(refusedAmplify)
			return
		}
		f = f.sock.flow(to)
	}
	if err := f.write(answer); err == nil {
		s.m.response(ref.code, directionOut)
	}
}

// answer builds a stateless response (RFC 3261 8.2.6, 8.2.7) from the raw
// headers that are fit to be sent back, and says where it goes (18.2.2).
func (m *rawMessage) answer(ref *refusal, src netip.AddrPort) ([]byte, netip.AddrPort, bool) {
	vias, err := normaliseVias(strings.Join(m.values("Via"), ","))
	if err != nil {
		return nil, src, false
	}
	var via sip.ViaHeader
	msg, err := sip.ParseMessage([]byte("SIP/2.0 200 OK\r\nVia: " + vias[0] + "\r\n\r\n"))
	if err != nil || msg.Via() == nil {
		return nil, src, false
	}
	via = *msg.Via()
	to := stampVia(&via, src)
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\nVia: %s\r\n", ref.code, ref.phrase, via.Value())
	for _, v := range vias[1:] {
		b.WriteString("Via: " + v + "\r\n")
	}
	for _, name := range once[:mandatory] {
		v := m.values(name)
		if len(v) == 0 || checkControl([]byte(v[0])) != nil {
			continue
		}
		b.WriteString(name + ": " + v[0])
		if name == "To" && !strings.Contains(strings.ToLower(v[0]), "tag") {
			b.WriteString(";tag=" + strconv.FormatUint(hashTag(vias[0]), 36))
		}
		b.WriteString("\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	out := []byte(b.String())
	return out, to, safeToSend(out, 0, strings.Count(b.String(), "\r\n")-2)
}

// stampVia adds received and rport to the top Via of a request from src and
// returns where responses go on UDP (RFC 3261 18.2.1, 18.2.2; RFC 3581 4): the
// source address, with its port where rport was asked for, else with the port of
// the Via. maddr is ignored: it would send our answers to a host of the sender's
// choice.
func stampVia(via *sip.ViaHeader, src netip.AddrPort) netip.AddrPort {
	port := src.Port()
	if via.Params.Has("rport") {
		via.Params.Add("rport", strconv.Itoa(int(src.Port())))
		via.Params.Add("received", src.Addr().String())
	} else {
		if host, err := netip.ParseAddr(strings.Trim(via.Host, "[]")); err != nil || host.Unmap() != src.Addr() {
			via.Params.Add("received", src.Addr().String())
		}
		if port = uint16(via.Port); port == 0 {
			port = uint16(sip.DefaultPort(via.Transport))
		}
	}
	return netip.AddrPortFrom(src.Addr(), port)
}

// hashTag makes the To tag of a stateless answer: the same for each
// retransmission (RFC 3261 8.2.7). FNV-1a.
func hashTag(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
