package call

import "time"

// Strategy says which of the agents of one level is next.
type Strategy string

const (
	LongestIdle Strategy = "longest_idle" // who has been idle for the longest time; the default
	FewestCalls Strategy = "fewest_calls" // who has answered the fewest calls since she logged in
	RoundRobin  Strategy = "round_robin"  // each in turn
	RingAll     Strategy = "ring_all"     // all at once; the first answer wins
)

// Strategies lists every strategy.
var Strategies = []Strategy{LongestIdle, FewestCalls, RoundRobin, RingAll}

// Level is a set of agents that a tenant's calls are offered to, from some time of waiting on. Levels stand in order: the agents
// of one that has begun come before those of the levels after it.
type Level struct {
	// Groups names the groups whose members belong to the level; Own adds the tenant's own receptionists. Neither: every agent
	// of the service who answers for the tenant.
	Groups []string `json:"groups,omitempty"`
	Own    bool     `json:"own,omitempty"`
	// The level begins After so long a wait, or as soon as When callers of the tenant wait, whichever is first. Zero After:
	// at once; zero When: not by number.
	After time.Duration `json:"after,omitempty"`
	When  int           `json:"when,omitempty"`
}

// Serve says who is offered a tenant's calls. The zero value is every agent who answers for the tenant, longest idle first.
type Serve struct {
	Levels   []Level  `json:"levels,omitempty"`
	Strategy Strategy `json:"strategy,omitempty"`
	// Skills are what an agent must have, all of them.
	Skills []string `json:"skills,omitempty"`
	// Share is the tenant's weight against others of equal priority when there are too few agents; zero means 1.
	Share int `json:"share,omitempty"`
}
