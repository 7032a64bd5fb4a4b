// Package queue decides who waits and which receptionist is next. It is pure state: callers in their order, agents and
// what they are doing, and the matching of the two. It never looks at a clock and does no I/O.
//
// # Order of service
//
// There is one order, the function order. A caller goes before another
//
//   - of a lower priority; within a priority
//   - that has been neither offered nor answered before, where she has; then
//   - whose tenant has more than its share, where hers has not; then
//   - that has waited less.
//
// A tenant has more than its share when more of the service's agents are at work for it than one above
//
//	agents × its share ÷ sum of shares
//
// where agents are those of the service who are at work or free, and the sum is of the tenants that anybody waits for or works
// for (see call.Serve.Share; 1 each by default). So one tenant's flood takes what nobody else wants, and no more. A tenant's own
// receptionists do not count. A caller of a tenant above its share does not starve: agents who are alike put the longest wait
// that they could end behind others seven times at most, and then go by priority and wait alone, once.
//
// A call-back wish stands in line like its caller did, by the time of her arrival: never before those who came earlier, and,
// since it is one call with one place, never twice. Position goes by priority and wait alone, see there.
//
// # Who may take a call
//
// An agent must answer for the tenant (an agent of the service who names no tenants answers for all), have every skill that is
// needed, and belong to a level of the tenant's that has begun for this caller; see call.Level. A level that goes by the number
// of callers has begun while that many wait. Agents of a level that comes first in the tenant's list go before those of
// later ones, however long these have been idle; within a level the tenant's strategy says who is next. A call may name who
// alone may take it, or a group; see Waiting. An agent who missed or declined a call is not offered the same one for a while.
//
// # What an agent does
//
// Each agent is a machine: offline, available, reserved, ringing, talking, wrap_up, paused. See the function transition, and
// testdata/agents.txt for the whole table. While she has a call only the call changes her state; what is said meanwhile (a pause,
// a log-out, a phone that is gone) holds when it gives her back. A reservation can be a lease, which ends by itself.
//
// # Promises
//
// No agent is reserved for two calls, and no call for two agents but where it rings all, or asks for another by name. No caller
// waits while an agent who may take the call is free. Equal callers are served in the order of their arrival. Everybody who
// waits is served after a bounded number of others.
//
// An event costs about the same however many callers, tenants and agents there are: callers who need the same stand in one lane
// and only its first is looked at; lanes stand in order under what they need of agents; agents who are alike are asked once;
// what comes by time waits in a heap. Three things grow: an event at an agent who names tenants goes through the tenants she
// names; one at a tenant through the kinds of agents who name it; Move, Line and Agents through who is there.
package queue
