package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/calendar"
	"telefonist/record"
)

// Stats are the statistics of a stretch of time. docs/statistics.md defines each field.
type Stats struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`

	Calls          int `json:"calls" doc:"Calls that came in"`
	Offered        int `json:"offered" doc:"of these: waited for a receptionist, or were answered"`
	Answered       int `json:"answered"`
	AnsweredOwn    int `json:"answered_own" doc:"of the answered: by the tenant's own receptionists"`
	AnsweredWithin int `json:"answered_within" doc:"of the answered: within 20 s"`
	Abandoned      int `json:"abandoned" doc:"Given up by the caller after 5 s"`
	AbandonedShort int `json:"abandoned_short" doc:"Given up by the caller before"`
	Overflowed     int `json:"overflowed" doc:"Taken elsewhere by the tenant's rules"`
	Failed         int `json:"failed"`
	Mediated       int `json:"mediated" doc:"of the answered: connected with the wanted party"`
	Overran        int `json:"overran" doc:"of the answered: passed the included handling time"`
	Outgoing       int `json:"outgoing" doc:"Calls that receptionists made"`
	Callbacks      int `json:"callbacks" doc:"Calls that answered a call-back wish"`

	ServiceLevel  *float64 `json:"service_level,omitempty" doc:"0 to 1; missing where there was nothing to measure, as all that follow"`
	AbandonRate   *float64 `json:"abandon_rate,omitempty" doc:"0 to 1"`
	AverageWaitMS *int64   `json:"average_wait_ms,omitempty" doc:"Average speed of answer"`
	LongestWaitMS int64    `json:"longest_wait_ms" doc:"of the answered and the abandoned"`

	Handled           int    `json:"handled" doc:"Calls that receptionists had, each counted once for each of them"`
	TalkMS            int64  `json:"talk_ms"`
	HoldMS            int64  `json:"hold_ms"`
	WrapUpMS          int64  `json:"wrap_up_ms"`
	AverageHandlingMS *int64 `json:"average_handling_ms,omitempty"`

	Rung       int      `json:"rung" doc:"Offers to agents; of single agents only, as missed"`
	Missed     int      `json:"missed"`
	LoggedInMS int64    `json:"logged_in_ms" doc:"Not of tenants, as all that follow"`
	PausedMS   int64    `json:"paused_ms"`
	OfflineMS  int64    `json:"offline_ms"`
	OccupiedMS int64    `json:"occupied_ms"`
	Occupancy  *float64 `json:"occupancy,omitempty" doc:"0 to 1"`
}

// StatsOf prints what was counted.
func StatsOf(from, to time.Time, n record.Counts) Stats {
	s := Stats{From: from, To: to, Calls: n.Calls, Offered: n.Offered, Answered: n.Answered, AnsweredOwn: n.Own, AnsweredWithin: n.Within,
		Abandoned: n.Abandoned, AbandonedShort: n.Short, Overflowed: n.Overflowed, Failed: n.Failed, Mediated: n.Mediated, Overran: n.Overran,
		Outgoing: n.Out, Callbacks: n.Callbacks, LongestWaitMS: n.LongestWait.Milliseconds(), Handled: n.Handled,
		TalkMS: n.Talk.Milliseconds(), HoldMS: n.Hold.Milliseconds(), WrapUpMS: n.Wrap.Milliseconds(), Rung: n.Rung, Missed: n.Missed,
		LoggedInMS: n.LoggedIn.Milliseconds(), PausedMS: n.Paused.Milliseconds(), OfflineMS: n.Offline.Milliseconds(), OccupiedMS: n.Occupied.Milliseconds()}
	s.ServiceLevel, s.AbandonRate, s.Occupancy = portion(n.ServiceLevel()), portion(n.AbandonRate()), portion(n.Occupancy())
	s.AverageWaitMS, s.AverageHandlingMS = millis(n.AverageWait()), millis(n.AverageHandling())
	return s
}

// portion has four digits, a hundredth of a percent.
func portion(s record.Share) *float64 {
	if !s.OK {
		return nil
	}
	v := math.Round(s.Value*1e4) / 1e4
	return &v
}

func millis(d time.Duration, ok bool) *int64 {
	if !ok {
		return nil
	}
	ms := d.Round(time.Millisecond).Milliseconds()
	return &ms
}

// Statistics are those of several stretches, and of all of them together.
type Statistics struct {
	Tenant  string  `json:"tenant,omitempty"`
	Agent   string  `json:"agent,omitempty"`
	Periods []Stats `json:"periods" doc:"Those without anything to count are left out"`
	Total   Stats   `json:"total"`
}

// maxStats is how long a stretch may be asked for.
const maxStats = 400 * 24 * time.Hour

type statsQuery struct {
	Tenant string    `query:"tenant" maxLength:"256" doc:"Of this tenant; a tenant's token gets no others"`
	Agent  string    `query:"agent" maxLength:"256" doc:"Of this agent; with tenant: of her calls for it"`
	From   time.Time `query:"from" doc:"A whole hour; missing: the beginning of today in Europe/Stockholm"`
	To     time.Time `query:"to" doc:"A whole hour, exclusive; missing: the end of the day of from"`
	By     string    `query:"by" enum:"hour,day" default:"day" doc:"The periods; days are those of Europe/Stockholm"`
}

func (s *v1) statsRoutes() {
	register(s, http.MethodGet, "/statistics", "statistics", "Service level, speed of answer, abandoned calls, handling time, occupancy: of a tenant, an agent or all, by hour or day", readingCalls,
		func(ctx context.Context, in *statsQuery) (*struct{ Body Statistics }, error) {
			tenant, err := s.mayRead(ctx, in.Tenant)
			if err != nil {
				return nil, err
			}
			in.Tenant = tenant
			out, err := s.statistics(ctx, in)
			return &struct{ Body Statistics }{out}, err
		}, failing(http.StatusServiceUnavailable))
}

func (s *v1) statistics(ctx context.Context, q *statsQuery) (out Statistics, err error) {
	zone, now := calendar.Stockholm(), s.Now()
	day := func(t time.Time) time.Time {
		t = t.In(zone)
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone)
	}
	if q.From.IsZero() {
		q.From = day(now)
	}
	if q.To.IsZero() {
		q.To = day(q.From).AddDate(0, 0, 1)
	}
	for name, t := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !t.Equal(t.Truncate(time.Hour)) {
			return out, huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "query." + name, Message: "write a whole hour: statistics are kept by the hour", Value: t})
		}
	}
	if d := q.To.Sub(q.From); d <= 0 || d > maxStats {
		return out, huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "query.to", Message: "write an hour behind from, at most 400 days", Value: q.To})
	}
	hours, err := s.Events.Stats(ctx, record.StatsFilter{Tenant: q.Tenant, Agent: q.Agent, From: q.From, To: q.To, At: s.statsAt(now)})
	if errors.Is(err, record.ErrCounting) {
		return out, huma.Error503ServiceUnavailable(err.Error())
	}
	if err != nil {
		return out, err
	}
	periods, total := record.Periods(hours, q.By != "hour", zone)
	out = Statistics{Tenant: q.Tenant, Agent: q.Agent, Periods: []Stats{}, Total: StatsOf(q.From.In(zone), q.To.In(zone), total)}
	for _, p := range periods {
		from, to := p.From, p.To
		if from.Before(q.From) {
			from = q.From.In(zone)
		}
		if to.After(q.To) {
			to = q.To.In(zone)
		}
		out.Periods = append(out.Periods, StatsOf(from, to, p.Counts))
	}
	return out, nil
}

// statsAt is until when what is under way counts: until now, but in the files of a server that does not run.
func (s *v1) statsAt(now time.Time) time.Time {
	if s.Stopped {
		return time.Time{}
	}
	return now
}
