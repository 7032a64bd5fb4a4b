// Package message passes on what a caller wished: it writes messages from a tenant's templates (Compose), and drains the
// outbox through gateways (Outbox), one transport for each channel.
//
// What it promises:
//
//   - A message that the store has is sent at least once: a gateway that is down, and a restart at any instant, lose nothing.
//     An attempt is written down before it begins, and every attempt at a message carries the same key, so that a gateway
//     that honours keys sends it once.
//   - It is sent once wherever an attempt was answered; where nobody knows (a connection that broke behind the last byte) it
//     is sent again, and the message counts how often that was.
//   - Messages of a tenant to one address go in the order that they were queued, until one of them has been failing for
//     Config.OrderFor.
//   - Tenants take turns, and each has its own rate, so that none holds up the others.
//   - A gateway that does not answer is asked by one message at a time until it does; the others wait and lose no attempt.
//   - A message that cannot be sent within Config.GiveUp, or is refused for good, is kept as a dead letter that can be
//     sent again.
//
// What it never does: keep anything itself (the store does, through an interface of its own), look people up (addresses are
// given to it), sign e-mail (DKIM is the relay's), or write texts, numbers, addresses or what gateways say to the log.
//
// The transports are in message/email and message/sms, the language of templates in message/template, and the counting of SMS
// in message/gsm.
package message
