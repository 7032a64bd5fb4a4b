// Package switchboard runs the domain: one event loop that owns every live call, the queues and the agents.
//
// Adapters post events and are told what to do by commands; neither side ever waits for the other. The loop waits for
// no socket, no disk and no lock, so whatever is slow is done elsewhere and comes back as an event.
//
// What it promises:
//
//   - A call is answered with nothing but 100 before its arrival is durable, and its audio is not opened before the
//     receptionist's answer is. Where the store cannot write, or takes longer than 2 s, the caller gets 503 and the answer
//     is withdrawn. An answer of the store that comes after that means nothing.
//   - Each call that was taken leaves one record, which its story folds to. Of a call there is one commit under way at a
//     time, and one that failed is tried again every second together with what came after it: a story on disk has no
//     holes. Until it is written the call counts as stuck and no new call is taken.
//   - A turn handles mail, then timers, then matches callers and agents. Events count from their own instants and timers
//     from the instants they were set to, however late the loop looks.
//   - Mailboxes are bounded, with room kept for the events that end calls.
//   - A call that we sent out and that comes back is no new call: the token of an outgoing leg is known while it lives and
//     32 s longer; without a token it is told by its caller and the target that diverted it, while that target rings.
//   - A transition that panics ends that one call: its record is made of its story, its agent is given back, its legs are
//     hung up. A panic in an observer, or in the reading of an event, harms no other call.
//   - When Run ends, what was posted last has been answered: arrivals with 503.
//
// It never looks into SIP or audio, never decides what a call is to do, and keeps no state that is not a call's, an
// agent's or a waiting line's.
package switchboard
