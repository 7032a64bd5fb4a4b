// Package switchboard runs the domain: one event loop that owns every live call, the queues and the agents.
//
// Adapters post events and are told what to do by commands; neither side ever waits for the other. The loop waits for
// no socket, no disk and no lock, so whatever is slow is done elsewhere and comes back as an event. Mailboxes are
// bounded, with room kept for the events that end calls. A transition that panics ends that one call.
package switchboard
