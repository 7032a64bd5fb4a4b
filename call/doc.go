// Package call is the life of one call as a pure state machine: events in, commands out.
//
// A Call owns nothing but its own state. It never looks at a clock (every event brings its Instant), never waits,
// and names legs and agents by identifiers only, so that a recorded sequence of events replays to the same
// commands. The switchboard feeds it and carries out what it says; sip and media never see it.
//
// Words: connected means that 200 was sent to the caller; answered means that a receptionist's 200 was received.
package call
