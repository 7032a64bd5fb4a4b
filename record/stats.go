package record

import (
	"slices"
	"time"

	"telefonist/call"
)

// Bounds of the statistics, as the field has them.
const (
	// AnsweredWithin is how long a caller may have waited for an answer to count for the service level.
	AnsweredWithin = 20 * time.Second
	// ShortAbandon is how soon a caller who gave up does not count against the service: nobody could have answered her.
	ShortAbandon = 5 * time.Second
)

// Counts are what statistics are made of. Counts of different hours, tenants or agents add up by Add; nothing is rounded. How
// each field comes about, and what is computed of it, stands in docs/statistics.md.
type Counts struct {
	// Calls that arrived, and what became of those that came in. They stand in the hour in which the call arrived.
	Calls      int `json:"calls,omitempty"`      // came in
	Offered    int `json:"offered,omitempty"`    // waited for a receptionist, or were answered by one
	Answered   int `json:"answered,omitempty"`   // by a receptionist
	Own        int `json:"own,omitempty"`        // of these: by the tenant's own
	Within     int `json:"within,omitempty"`     // of these: within AnsweredWithin
	Abandoned  int `json:"abandoned,omitempty"`  // given up by the caller after ShortAbandon
	Short      int `json:"short,omitempty"`      // given up by the caller before
	Overflowed int `json:"overflowed,omitempty"` // not answered, since the tenant's rules took them elsewhere
	Failed     int `json:"failed,omitempty"`     // not answered, by a fault
	Mediated   int `json:"mediated,omitempty"`   // answered, and connected with the wanted party
	Out        int `json:"out,omitempty"`        // calls that receptionists made
	Callbacks  int `json:"callbacks,omitempty"`  // calls that answered a call-back wish
	Overran    int `json:"overran,omitempty"`    // passed the included handling time
	// Wait sums the waits of the answered calls, LongestWait is the longest of those and of the abandoned ones.
	Wait        time.Duration `json:"wait,omitempty"`
	LongestWait time.Duration `json:"longest_wait,omitempty"`

	// Handled counts a call once for each receptionist who had it; Talk, Hold and Wrap sum what that took. They stand in the
	// hour of her first answer in the call.
	Handled int           `json:"handled,omitempty"`
	Talk    time.Duration `json:"talk,omitempty"`
	Hold    time.Duration `json:"hold,omitempty"`
	Wrap    time.Duration `json:"wrap,omitempty"`

	// Rung and Missed count offers to agents, in the hour of the offer.
	Rung   int `json:"rung,omitempty"`
	Missed int `json:"missed,omitempty"`
	// Time of agents, each part in the hour in which it was spent.
	LoggedIn time.Duration `json:"logged_in,omitempty"`
	Paused   time.Duration `json:"paused,omitempty"`   // of LoggedIn
	Offline  time.Duration `json:"offline,omitempty"`  // of LoggedIn: no phone was registered
	Occupied time.Duration `json:"occupied,omitempty"` // of LoggedIn: in a call or wrap-up
}

// Add adds what others counted.
func (c *Counts) Add(o Counts) {
	for _, p := range []struct {
		to   *int
		more int
	}{
		{&c.Calls, o.Calls}, {&c.Offered, o.Offered}, {&c.Answered, o.Answered}, {&c.Own, o.Own}, {&c.Within, o.Within},
		{&c.Abandoned, o.Abandoned}, {&c.Short, o.Short}, {&c.Overflowed, o.Overflowed}, {&c.Failed, o.Failed},
		{&c.Mediated, o.Mediated}, {&c.Out, o.Out}, {&c.Callbacks, o.Callbacks}, {&c.Overran, o.Overran},
		{&c.Handled, o.Handled}, {&c.Rung, o.Rung}, {&c.Missed, o.Missed},
	} {
		*p.to += p.more
	}
	for _, p := range []struct {
		to   *time.Duration
		more time.Duration
	}{
		{&c.Wait, o.Wait}, {&c.Talk, o.Talk}, {&c.Hold, o.Hold}, {&c.Wrap, o.Wrap},
		{&c.LoggedIn, o.LoggedIn}, {&c.Paused, o.Paused}, {&c.Offline, o.Offline}, {&c.Occupied, o.Occupied},
	} {
		*p.to += p.more
	}
	c.LongestWait = max(c.LongestWait, o.LongestWait)
}

// Share is a part of a whole, 0 to 1; OK is false where the whole is nothing, so that there is nothing to tell.
type Share struct {
	Value float64
	OK    bool
}

func share[T int | time.Duration](part, whole T) Share {
	if whole <= 0 {
		return Share{}
	}
	return Share{float64(part) / float64(whole), true}
}

// ServiceLevel is the share of calls that were answered within 20 s, over those that were answered and those that were
// abandoned after 5 s.
func (c Counts) ServiceLevel() Share { return share(c.Within, c.Answered+c.Abandoned) }

// AbandonRate is the share of calls that were abandoned after 5 s, over the same calls.
func (c Counts) AbandonRate() Share { return share(c.Abandoned, c.Answered+c.Abandoned) }

// Occupancy is the share of receptionists' time in calls and wrap-up, over the time that they were logged in and not paused.
func (c Counts) Occupancy() Share { return share(c.Occupied, c.LoggedIn-c.Paused) }

// AverageWait is the average speed of answer: how long the callers who were answered had waited.
func (c Counts) AverageWait() (d time.Duration, ok bool) { return average(c.Wait, c.Answered) }

// AverageHandling is the average time that a receptionist was busy with a call that she had: talk, hold and wrap-up.
func (c Counts) AverageHandling() (d time.Duration, ok bool) {
	return average(c.Talk+c.Hold+c.Wrap, c.Handled)
}

func average(sum time.Duration, n int) (time.Duration, bool) {
	if n <= 0 {
		return 0, false
	}
	return sum / time.Duration(n), true
}

// Cell says what is counted together: an hour of all calls and receptionists of the service, of a tenant, of an agent, or of
// an agent's calls for a tenant.
type Cell struct {
	Tenant string // empty: all
	Agent  string // empty: all
	Hour   int64  // the hour's beginning in seconds since 1970; hours are those of UTC
}

func hourOf(t time.Time) int64 { return t.Unix() - mod(t.Unix(), 3600) }

func mod(a, b int64) int64 { return (a%b + b) % b }

// ofService tells whether what an agent does counts for the service, or for herself alone.
func ofService(k call.AgentKind) bool { return k != call.Own }

// StatsFilter selects statistics: of the service, of a tenant, of an agent, or of an agent's calls for a tenant.
type StatsFilter struct {
	Tenant, Agent string
	From, To      time.Time // hours from the one of From to the one before To; zero: no bound
	// At is until when what is under way is counted; zero: until the last event.
	At time.Time
}

// Within tells whether an hour, in seconds since 1970, is selected.
func (f StatsFilter) Within(hour int64) bool {
	return (f.From.IsZero() || hour+3600 > f.From.Unix()) && (f.To.IsZero() || hour < f.To.Unix())
}

// Period is a stretch of time with what was counted in it.
type Period struct {
	From, To time.Time
	Counts   Counts
}

// Periods puts hours together: by the day or the hour of a zone whose offsets are whole hours. Periods in which nothing was
// counted are left out.
func Periods(hours map[int64]Counts, daily bool, zone *time.Location) (all []Period, total Counts) {
	at := map[int64]*Period{}
	for hour, n := range hours {
		from := time.Unix(hour, 0).In(zone)
		to := from.Add(time.Hour)
		if daily {
			from = time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, zone)
			to = from.AddDate(0, 0, 1)
		}
		p := at[from.Unix()]
		if p == nil {
			p = &Period{From: from, To: to}
			at[from.Unix()] = p
		}
		p.Counts.Add(n)
		total.Add(n)
	}
	for _, p := range at {
		if p.Counts != (Counts{}) {
			all = append(all, *p)
		}
	}
	slices.SortFunc(all, func(a, b Period) int { return a.From.Compare(b.From) })
	return all, total
}
