// Package call is the life of one call as a pure state machine: events in, commands out.
//
// A Call owns nothing but its own state. It never looks at a clock (every event brings its Instant), never waits,
// and names legs and agents by identifiers only, so that a recorded sequence of events replays to the same
// commands. The switchboard feeds it and carries out what it says; sip and media never see it.
//
// What it promises, whatever comes in whatever order: the caller is accepted at most once; no command names a leg after
// its Hangup or Reject; an agent is given back exactly once; Finish is said once, and last; every leg that is left then has
// been ended. An event for a leg that the call no longer has changes nothing. testdata/transitions.txt is the whole table.
//
// Some of what makes callers come back unharmed: an answer whose audio never opened does not count and costs the caller
// no place; a longest wait goes on while phones ring in turn; the hold of the receptionist's phone is remembered while a
// target rings; the marks of handling time are told even where their timer came late, so that story and tariff row agree.
//
// What receptionists and supervisors do is an Act, answered by one Result; a softphone's signalling leads to the same
// transitions. Who is called besides the call's agent is reserved first (Reserve, Offered) and given back by Free like her, and
// a colleague to whom a call is handed becomes its agent. Time at a receptionist's hands is handling, hold and consultation
// included; a parked caller is in nobody's. An outgoing call has its party in the caller's place and is never rated; a
// call-back is answered when its party answers.
//
// Words: connected means that 200 was sent to the caller; answered means that a receptionist's 200 was received.
package call
