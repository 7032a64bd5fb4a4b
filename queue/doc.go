// Package queue decides who waits and which receptionist is next. It is pure state: callers in their order, agents and
// what they are doing, and the matching of the two. It never looks at a clock and does no I/O.
//
// It promises: no agent is reserved for two calls and no call for two agents; no caller waits while an agent who may
// take the call is free; callers of equal priority are served in the order of their arrival; among free agents the one
// who has been idle longest is next.
package queue
