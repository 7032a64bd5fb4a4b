// Package media anchors the audio of every call: it is the only room that sees packets.
//
// It owns one session per leg (its sockets, its negotiated description, its keys, the stream that it sends), the relay
// between two legs and the conversion of their codecs, the prompts and tones, the watch for streams that fall silent, and
// what is known of how well each leg was heard. sip opens, negotiates and closes
// sessions; the switchboard says by command what each leg hears; what happens to the audio is posted to a Sink.
//
// It promises:
//   - A leg is in one of four states: silent, hearing a source, connected with exactly one other leg, or in a conference of three. Play, Connect, Mix
//     and Disconnect each end what was before, for both legs of a connection: nobody is ever heard by accident.
//   - What a listener receives is one RTP stream from the first packet to the last: SSRC, sequence and timestamp do not
//     jump when the source behind it changes.
//   - Packets are taken only from where the signalling said, or from the one address that the first valid packet
//     came from, if that is the description's or the signalling's own host. It never moves but by a new description.
//   - A packet goes on as it came wherever its listener understands it. One of a codec that is spoken here is cut to the length
//     that its listener asked for (a=ptime), without being decoded. It is decoded only where the two sides share no codec and
//     both are spoken here; only there is anything gathered (20 to 100 ms), put in order, and filled in where it was lost.
//   - Where a leg is protected nothing is taken that is not sealed with the key of its description, or that came before.
//   - Do never waits; a packet costs no allocation, relayed, converted or protected.
//
// It never decides anything about a call, never dials an address that was not negotiated, and never logs per packet.
//
// Which sockets carry the flows is behind the sockets interface alone. Each leg has a UDP port pair; on Linux the pairs are
// read by one epoll loop for each core, elsewhere by a goroutine for each port. Legs of verified trunks may share one port pair for
// each loop (Options.Shared): then nothing is latched, and a packet belongs to the leg whose description names the address it
// comes from, or to none. What we send ourselves is paced by one
// clock shard for each core. docs/performance.md says what that costs, and what was tried beside it.
package media
