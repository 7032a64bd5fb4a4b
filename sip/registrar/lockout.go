package registrar

import "time"

// lockout counts failures by key; counts leak away with time.
type lockout struct {
	limit int           // failures that lock
	leak  time.Duration // time in which one failure is forgotten
	size  int           // most keys
	fails map[string]failure
}

type failure struct {
	count float64
	at    time.Time
}

func newLockout(limit int, leak time.Duration, size int) *lockout {
	return &lockout{limit: limit, leak: leak, size: size, fails: make(map[string]failure)}
}

func (l *lockout) level(key string, now time.Time) float64 {
	f, ok := l.fails[key]
	if !ok {
		return 0
	}
	return max(0, f.count-float64(max(0, now.Sub(f.at)))/float64(l.leak))
}

func (l *lockout) locked(key string, now time.Time) bool {
	return l.level(key, now) > float64(l.limit)-1
}

// fail counts a failure. Guessing on while locked does not prolong the lock.
func (l *lockout) fail(key string, now time.Time) {
	if _, ok := l.fails[key]; !ok && len(l.fails) >= l.size {
		l.prune(now)
	}
	l.fails[key] = failure{count: min(l.level(key, now)+1, float64(l.limit)), at: now}
}

// clear forgets the failures of key.
func (l *lockout) clear(key string) { delete(l.fails, key) }

// prune makes room: what has leaked away, then anything up to a quarter.
func (l *lockout) prune(now time.Time) {
	for key := range l.fails {
		if l.level(key, now) == 0 {
			delete(l.fails, key)
		}
	}
	for key := range l.fails {
		if len(l.fails) <= l.size*3/4 {
			return
		}
		delete(l.fails, key)
	}
}
