package directory

import (
	"strings"
	"time"

	"telefonist/calendar"
)

// Service says who answers a tenant's calls at an instant, and until when.
type Service struct {
	Turn Turn `json:"turn" enum:"service,own,own_then_service,closed" doc:"Who answers: the service, the tenant's own receptionists, own first and then the service, or nobody"`
	// Until is when that changes, and Next who answers then. Zero where nothing changes within a year.
	Until time.Time `json:"until,omitzero" doc:"When that changes; missing: not within a year"`
	Next  Turn      `json:"next,omitempty" enum:"service,own,own_then_service,closed" doc:"Who answers then"`
	// Away tells that the tenant's own receptionists are away.
	Away bool `json:"away" doc:"The tenant's own receptionists are away"`
}

// farAhead is how far ServiceAt looks.
const farAhead = 366 * 24 * time.Hour

// ServiceAt tells who answers calls by a common number (zero value: not known) at an instant, and what comes next.
func ServiceAt(t Tenant, common CommonNumber, at time.Time, sw Switch) Service {
	s, c := t.ServingOf(common), t.Plan.Calendar()
	now := Service{Turn: s.turn(at, c, t.HasOwn, sw.AwayAt(at)), Away: sw.AwayAt(at)}
	ahead := changes{serving: s, calendar: c, hasOwn: t.HasOwn, sw: sw}
	for next := at; ; {
		var ok bool
		if next, ok = ahead.after(next); !ok || next.Sub(at) > farAhead {
			return now
		}
		if turn := s.turn(next, c, t.HasOwn, sw.AwayAt(next)); turn != now.Turn {
			now.Until, now.Next = next, turn
			return now
		}
	}
}

// changes looks ahead, once for each change: hours that never change are looked through for a year.
type changes struct {
	serving     Serving
	calendar    calendar.Calendar
	hasOwn      bool
	sw          Switch
	hours, pool edge
}

// edge is the next change of hours, once it has been looked for.
type edge struct {
	at        time.Time
	ok, known bool
}

func (e *edge) after(at time.Time, h calendar.Hours, c calendar.Calendar) (time.Time, bool) {
	if !e.known || e.ok && !e.at.After(at) {
		e.at, e.ok = h.NextChange(at, c)
		e.known = true
	}
	return e.at, e.ok
}

// after returns the first instant after at at which anything changes that the turn depends on.
func (w *changes) after(at time.Time) (first time.Time, ok bool) {
	earliest := func(t time.Time, changes bool) {
		if changes && (!ok || t.Before(first)) {
			first, ok = t, true
		}
	}
	away := w.sw.AwayAt(at)
	turn := func(open, here bool) Turn { return w.serving.turnWhen(open, here, w.hasOwn, away) }
	if turn(true, true) != turn(false, true) || turn(true, false) != turn(false, false) {
		earliest(w.hours.after(at, w.serving.Hours, w.calendar))
	}
	if turn(true, true) != turn(true, false) || turn(false, true) != turn(false, false) {
		earliest(w.pool.after(at, w.serving.Pool, w.calendar))
	}
	earliest(w.sw.Until, away && !w.sw.Until.IsZero())
	return first, ok
}

// turnWords say who answers, for people.
var turnWords = map[Turn]string{
	TurnPool: "the service answers", TurnOwn: "own receptionists answer", TurnBoth: "own receptionists first, then the service",
}

// Text says it for people who read it at an instant: "open until 17:00 (the service answers)", "closed, opens Monday 08:00".
func (s Service) Text(at time.Time) string {
	var b strings.Builder
	who, until := turnWords[s.Turn], whenFrom(at, s.Until)
	switch {
	case s.Turn == TurnNobody && s.Until.IsZero():
		b.WriteString("closed")
	case s.Turn == TurnNobody:
		b.WriteString("closed, opens " + until + " (" + turnWords[s.Next] + ")")
	case s.Until.IsZero():
		b.WriteString("open (" + who + ")")
	case s.Next == TurnNobody:
		b.WriteString("open until " + until + " (" + who + ")")
	default:
		b.WriteString("open (" + who + " until " + until + ", then " + turnWords[s.Next] + ")")
	}
	if s.Away {
		b.WriteString("; own receptionists are away")
	}
	return b.String()
}

// whenFrom writes an instant by the clock in Stockholm as people say it: the time alone on the same day, the weekday before it within a
// week, else the date.
func whenFrom(at, t time.Time) string {
	today, day := calendar.DateOf(at), calendar.DateOf(t)
	local := t.In(calendar.Stockholm())
	switch {
	case day == today:
		return local.Format("15:04")
	case day.Compare(today.AddDays(7)) < 0:
		return local.Format("Monday 15:04")
	}
	return local.Format("2006-01-02 15:04")
}
