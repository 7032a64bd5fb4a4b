package queue

import (
	"time"

	"telefonist/call"
)

// Limits are the settings of the pool.
type Limits struct {
	// Misses is how many offers in a row an agent may miss before she is paused; zero means never.
	Misses int
	// Again is how long an agent who missed a call is not offered the same one.
	Again time.Duration
	// Lease is how long a reservation holds that nobody renews or answers; see Queue.Lease. Zero means until it is given back.
	Lease time.Duration
}

// Match is one caller and one agent, both reserved.
type Match struct {
	Call  call.ID
	Agent string
	Kind  call.AgentKind
}

// Queue is the waiting lines of all tenants and the one pool of agents. See New.
type Queue struct {
	limits  Limits
	observe func(Change)
	seq     int // of callers and agents, in the order in which they came
	turn    int // of reservations

	// Who waits.
	calls   map[call.ID]*waiting
	line    sorted[*waiting] // all of them, in the order of their places
	callers int              // of them, those who are on the line
	tenants map[string]*tenant
	plans   map[string]*plan
	missed  map[call.ID]map[string]time.Time // agents who are not offered a call again yet

	// Who answers.
	agents   map[string]*agent
	phones   map[string]bool       // agents whose phone is registered, also such as are not known (yet)
	saved    map[string]Saved      // log-out and pause of such as are not known (yet)
	holds    map[call.ID][]*agent  // who is reserved for a call
	profiles map[string]*profile   // agents who are alike
	broad    []*profile            // those of them that answer for every tenant
	needs    map[needID]*need      // what callers need of the agents in broad
	needsMax int                   // how many needs there may be before those that nobody has are forgotten
	skilled  map[string][]*profile // skill -> those of broad that have it
	only     map[string][]*lane    // agent -> calls that she is one of the few to take
	pooled   int                   // agents who are free
	stamp    int                   // marks what a search has seen

	// Shares; see over.
	atWork  int // agents of the service who are at work or free
	weights int // shares of the tenants that have anybody waiting or at work, summed

	// What has changed since the last Match, so that another could find something.
	freshLanes    []*lane
	freshProfiles []*profile
	round         int         // counts callers who were served
	candidates    []candidate // room for the next Match

	wakes  wakes
	leases wakes
	kept   kept

	taken   time.Duration // moving average of how long a call takes an agent; see Wait
	handled int           // calls in it
}

// New makes an empty queue.
func New(l Limits) *Queue {
	return &Queue{limits: l, calls: map[call.ID]*waiting{}, line: sorted[*waiting]{order: byPlace}, tenants: map[string]*tenant{},
		plans: map[string]*plan{}, missed: map[call.ID]map[string]time.Time{}, agents: map[string]*agent{}, phones: map[string]bool{},
		saved: map[string]Saved{}, holds: map[call.ID][]*agent{}, profiles: map[string]*profile{}, needs: map[needID]*need{},
		needsMax: fewNeeds, skilled: map[string][]*profile{}, only: map[string][]*lane{}}
}

// SetLimits changes the settings from now on.
func (q *Queue) SetLimits(l Limits) { q.limits = l }
