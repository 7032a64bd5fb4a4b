package web

import (
	"sync"
	"time"

	"telefonist/directory"
)

// maxLines is how many lines are remembered of a tenant: its people, and a bound where somebody tells of too many.
const maxLines = 100_000

// lines are those of people's lines that are not free, by tenant and person. They are kept in memory alone: they hold for the
// length of a call, and after a restart the next event of each line tells how it is.
type lines struct {
	mu sync.Mutex // protects of
	of map[string]map[string]directory.Line
}

// set keeps what was told of a line, and tells what that changed.
func (l *lines) set(tenant string, one LineOf, now time.Time) (fate string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of == nil {
		l.of = map[string]map[string]directory.Line{}
	}
	all := l.of[tenant]
	old, had := all[one.Person]
	switch {
	case one.State == "" && had:
		delete(all, one.Person)
		return "cleared"
	case one.State == "":
		return "unchanged"
	case all == nil:
		all = map[string]directory.Line{}
		l.of[tenant] = all
	}
	if had && old.State == one.State && old.HoldsAt(now) && one.Since.Equal(now.UTC()) {
		one.Since = old.Since // said again, without since when
	}
	if !had && len(all) >= maxLines {
		l.sweep(all, now)
	}
	all[one.Person] = one.Line
	return "set"
}

// sweep makes room: what is over goes, and where nothing is, what would end first.
func (l *lines) sweep(all map[string]directory.Line, now time.Time) {
	first := ""
	for person, line := range all {
		if !line.HoldsAt(now) {
			delete(all, person)
		} else if first == "" || line.Until.Before(all[first].Until) {
			first = person
		}
	}
	if len(all) >= maxLines {
		delete(all, first)
	}
}

// line gives a person's line, nil where it is free or nothing is known.
func (l *lines) line(tenant, person string, now time.Time) *directory.Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	if line, known := l.of[tenant][person]; known && line.HoldsAt(now) {
		return &line
	}
	return nil
}

// all lists the lines of a tenant that are not free, and forgets those that are over.
func (l *lines) all(tenant string, now time.Time) []LineOf {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []LineOf{}
	for person, line := range l.of[tenant] {
		if line.HoldsAt(now) {
			out = append(out, LineOf{person, line})
		} else {
			delete(l.of[tenant], person)
		}
	}
	return out
}

// forget drops the line of somebody who is gone.
func (l *lines) forget(tenant, person string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.of[tenant], person)
}
