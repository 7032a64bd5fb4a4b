package switchboard

import (
	"time"

	"telefonist/record"
)

// Thresholds are what alarms are raised at; zero values raise none.
type Thresholds struct {
	// Wait is how long a caller may wait to be answered; who comes back into line after an answer waits anew.
	Wait time.Duration
	// Level is the least service level in percent over the last Window, once it has Least calls: answered within 20 s over
	// answered and abandoned after 5 s.
	Level  int
	Window time.Duration // zero: 30 min
	Least  int           // zero: 10
	// NoAgent raises an alarm while callers wait whom no agent may take who is logged in and not paused.
	NoAgent bool
}

// Alarm is a threshold that is passed just now.
type Alarm struct {
	Kind  string    `json:"kind" enum:"longest_wait,service_level,no_agent"`
	Since time.Time `json:"since"`
	Value int       `json:"value" doc:"Seconds, percent, or callers who wait for nobody"`
}

const (
	// levelWithin and levelAfter are the service level's: answered within, abandoned after (docs/statistics.md).
	levelWithin = 20 * time.Second
	levelAfter  = 5 * time.Second
	// mostWaits bounds what is remembered for the service level; with more, the window is shorter.
	mostWaits = 4096
	// lookEvery is how often thresholds are looked at while somebody waits or an alarm is up.
	lookEvery = time.Second
)

// waited is how a caller's wait ended.
type waited struct {
	at   time.Time
	good bool
}

// alarms watch the thresholds. They belong to the loop.
type alarms struct {
	Thresholds
	waits   []waited // oldest first
	good    int      // of them
	up      map[string]Alarm
	waiting int       // callers who wait to be answered
	next    time.Time // when they are looked at again; zero: when something has happened
}

// served counts a wait that ended with an answer, or was given up.
func (a *alarms) served(at time.Time, wait time.Duration, answered bool) {
	if !answered && wait <= levelAfter {
		return
	}
	good := answered && wait <= levelWithin
	a.waits = append(a.waits, waited{at, good})
	if good {
		a.good++
	}
	if len(a.waits) > mostWaits {
		a.drop(1)
	}
}

func (a *alarms) drop(n int) {
	for _, w := range a.waits[:n] {
		if w.good {
			a.good--
		}
	}
	a.waits = append(a.waits[:0], a.waits[n:]...)
}

// level is the service level of the last window in percent; ok is false with too few calls.
func (a *alarms) level(now time.Time) (percent int, ok bool) {
	window, least := a.Window, a.Least
	if window <= 0 {
		window = 30 * time.Minute
	}
	if least <= 0 {
		least = 10
	}
	old := 0
	for old < len(a.waits) && now.Sub(a.waits[old].at) > window {
		old++
	}
	a.drop(old)
	if len(a.waits) < least {
		return 0, false
	}
	return 100 * a.good / len(a.waits), true
}

// set raises or clears one alarm and tells whether that is new.
func (a *alarms) set(kind string, up bool, value int, now time.Time) bool {
	was, is := a.up[kind]
	switch {
	case up && is:
		was.Value = value
		a.up[kind] = was
	case up:
		a.up[kind] = Alarm{kind, now, value}
	case is:
		delete(a.up, kind)
	}
	return up != is
}

// watch looks at the thresholds and tells of those that were passed, or are kept again.
func (b *Board) watch(now time.Time) {
	a := &b.alarms
	if a.Thresholds == (Thresholds{}) || now.Before(a.next) {
		return
	}
	waiting := b.queue.Callers()
	tell := func(kind string, up bool, value int) {
		if !a.set(kind, up, value, now) {
			return
		}
		reason := record.AlarmCleared
		if up {
			reason = record.AlarmRaised
			b.log.Warn("alarm", "kind", kind, "value", value)
		}
		b.streamed(record.StreamEvent{At: now, About: record.AboutAlarm, Kind: kind, Reason: reason, Code: value})
	}
	longest := time.Duration(0)
	if a.waiting > 0 {
		longest = b.longestWait(now)
	}
	tell(record.AlarmWait, a.Wait > 0 && longest > a.Wait, int(longest/time.Second))
	level, ok := a.level(now)
	tell(record.AlarmLevel, a.Level > 0 && ok && level < a.Level, level)
	forsaken := 0
	if a.NoAgent && waiting > 0 {
		forsaken = b.queue.Forsaken()
	}
	tell(record.AlarmNoAgent, forsaken > 0, forsaken)
	a.next = time.Time{}
	if a.waiting > 0 || len(a.up) > 0 {
		a.next = now.Add(lookEvery)
	}
}

// longestWait is how long the caller has waited who has waited longest.
func (b *Board) longestWait(now time.Time) (longest time.Duration) {
	for _, l := range b.calls {
		if !l.waits.IsZero() {
			longest = max(longest, now.Sub(l.waits))
		}
	}
	return longest
}

// waitBegins is for a caller who comes into line. She has waited before where nobody has answered since: an offer that is missed, or an
// answer that is withdrawn, ends no wait.
func (b *Board) waitBegins(l *live, at time.Time) {
	if l.waits.IsZero() {
		l.waits = at
		b.alarms.waiting++
	}
}

// waitOver is for a caller who was answered, sent on, or has ended.
func (b *Board) waitOver(l *live) {
	if !l.waits.IsZero() {
		l.waits = time.Time{}
		b.alarms.waiting--
	}
}
