// Package wire is the SIP transport and transaction stack: bytes on sockets on
// one side, ordered requests and responses on the other.
//
// It owns the sockets and connections, a guard in front of the parser, the
// transaction tables, admission control, and the order of messages. The
// parser and the four transaction state machines are those of
// github.com/emiago/sipgo/sip; the goroutines, the pools and the routing of
// messages are this package's own, so that they can keep the promises below.
//
// It promises:
//
//   - Messages with one Call-ID reach the handler one at a time, in the order
//     they were read from the wire. A BYE never overtakes its ACK, a CANCEL
//     never its INVITE, and a burst of 100, 180, 183 and 200 is delivered whole.
//   - Nothing that is malformed, smuggled or unanswerable reaches the parser's
//     output: it is answered without state (400, 416, 501, 505, 513) or dropped, and
//     counted in telefonist_sip_refused_total.
//   - No response opens a connection, and no address taken from a message is
//     dialled by this package. Answers without a transaction are never larger on UDP
//     than the request that caused them.
//   - No control byte, and no line that is not a header, leaves in a header.
//   - A panic in a handler costs that one request a 500, nothing else.
//
// It never decides who may call, keeps no dialogs, and retransmits no 2xx:
// that is the dialog layer's. It sends 100 Trying for every INVITE it admits
// (for a stranger's once the handler has not refused it) and 200 for every CANCEL that
// it can match; the 487 is the dialog layer's.
package wire
