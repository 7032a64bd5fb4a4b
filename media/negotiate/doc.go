// Package negotiate is the offer/answer model of RFC 3264 for one audio stream, as pure functions of the session's
// state and the bytes received.
//
// It owns what was offered, what was answered and what both mean for the stream: codec, payload numbers, direction
// and addresses. It promises that a description that is refused changes nothing, that the version in o= moves exactly
// when our description does (section 8), and that nothing of a peer's text but checked tokens is repeated in ours.
// It never opens a socket, looks at a clock or resolves a name.
package negotiate
