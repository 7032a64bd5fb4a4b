// Package sip turns SIP into call events and call commands into SIP: trunks, agents' phones, legs and transfers.
//
// It owns the dialog layer. Every leg is one actor: a serial mailbox through which messages, timers and commands pass,
// so that a leg's state needs no lock and every crossing (CANCEL and 200, BYE and re-INVITE, a late ACK) is decided in
// one place, in the order of the wire. Transactions and transports are those of package wire, registrations those of
// package registrar; session descriptions are negotiated by media behind the interface Media.
//
// It promises:
//
//   - Every request gets a final answer, and every leg ends: by BYE, CANCEL, a lost ACK, or a session timer that runs out.
//   - Outside a dialog nobody places a call but a trunk from its allowed addresses and an agent with a digest; inside a
//     dialog nobody is heard but the peer of that dialog, by tags, source address and sequence number.
//   - What leaves is rebuilt, never copied: no header, no control byte of one leg reaches another.
//   - Credentials go to the trunk that they are configured for, to its addresses and realm, at most twice for a request.
//   - Do never blocks, and no event follows for a leg after Hangup.
//
// It never decides what a call does next, never touches an RTP packet, and keeps nothing on disk: what must survive a
// crash leaves as call.Dialog, and comes back through EndLeft.
package sip
