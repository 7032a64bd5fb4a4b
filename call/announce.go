package call

import (
	"strconv"
	"time"
)

// Languages that waiting callers are spoken to in.
const (
	Swedish = "sv" // where the rules say nothing
	English = "en"
)

// farthestPosition is the last place in line that is told by its number. Who stands farther behind hears that it is far.
const farthestPosition = 199

// welcome has the caller who has just been connected into the queue hear the tenant's messages, once, and music after them.
func (c *Call) welcome() {
	if len(c.rules.Welcome) == 0 {
		c.music()
		return
	}
	c.hears = c.musicSource()
	c.emit(Say{Leg: c.caller, Clips: c.rules.Welcome, Then: c.hears})
}

// expectAnnouncements sets when the connected caller hears of her place for the first time.
func (c *Call) expectAnnouncements() {
	first := c.at.Since + c.rules.AnnounceAfter
	c.placeAt, c.waitAt = first, first
	c.armAnnounce()
}

// armAnnounce sets the timer for the next announcement, at once where one came due while a phone rang.
func (c *Call) armAnnounce() {
	if !c.accepted {
		return
	}
	next := time.Duration(-1)
	for _, a := range []struct{ every, at time.Duration }{{c.rules.AnnouncePosition, c.placeAt}, {c.rules.AnnounceWait, c.waitAt}} {
		if a.every > 0 && (next < 0 || a.at < next) {
			next = a.at
		}
	}
	if next >= 0 {
		c.announces = true
		c.emit(Arm{TimerAnnounce, max(c.at.Since, next)})
	}
}

// stopAnnouncing is for a caller who waits no longer.
func (c *Call) stopAnnouncing() {
	if c.announces {
		c.announces = false
		c.emit(Disarm{TimerAnnounce})
	}
}

// announceDue asks for the caller's place. While a phone rings for her nothing is said: she may be answered any moment.
func (c *Call) announceDue() {
	if c.phase == waiting && c.accepted {
		c.emit(Announce{})
	}
}

// announce tells the caller what is due. Music goes on after it, where it was; an agent's answer cuts it.
func (c *Call) announce(ev Place) {
	if c.phase != waiting || !c.accepted {
		return
	}
	var clips []string
	if due(&c.placeAt, c.rules.AnnouncePosition, c.at.Since) {
		clips = positionClips(c.language(), ev.Position)
	}
	if due(&c.waitAt, c.rules.AnnounceWait, c.at.Since) && ev.Wait > 0 {
		clips = append(clips, waitClips(c.language(), ev.Wait)...)
	}
	if len(clips) > 0 {
		c.hears = c.musicSource()
		c.emit(Say{Leg: c.caller, Clips: clips, Then: c.hears})
	}
	c.armAnnounce()
}

// due tells whether an announcement is, and sets when it is so again.
func due(at *time.Duration, every, now time.Duration) bool {
	if every <= 0 || now < *at {
		return false
	}
	*at = now + every
	return true
}

func (c *Call) language() string {
	if c.rules.Language == "" {
		return Swedish
	}
	return c.rules.Language
}

// positionClips say "du har plats nummer tre i kön".
func positionClips(language string, position int) []string {
	switch {
	case position < 1:
		return nil
	case position > farthestPosition:
		return []string{language + "-position-far"}
	}
	clips := append([]string{language + "-position"}, NumberClips(language, position)...)
	return append(clips, language+"-in-queue")
}

// waitClips say the expected wait in minutes, to the nearest: "mindre än en minut", "ungefär två minuter", "mer än en timme".
func waitClips(language string, wait time.Duration) []string {
	minutes := int((wait + time.Minute/2) / time.Minute)
	switch {
	case wait < time.Minute:
		return []string{language + "-wait-short"}
	case minutes == 1:
		return []string{language + "-wait-one"}
	case minutes > 60:
		return []string{language + "-wait-long"}
	}
	clips := append([]string{language + "-wait"}, NumberClips(language, minutes)...)
	return append(clips, language+"-minutes")
}

// NumberClips say a number of 1 to 199, in Swedish and English alike: those up to 20, the tens and a hundred are one word.
func NumberClips(language string, n int) []string {
	word := func(n int) string { return language + "-" + strconv.Itoa(n) }
	switch {
	case n > 100:
		return append([]string{word(100) + "-and"}, NumberClips(language, n-100)...)
	case n <= 20 || n%10 == 0:
		return []string{word(n)}
	}
	return []string{word(n / 10 * 10), word(n % 10)}
}

// AnnouncementClips are the names of all clips that announcements in a language are made of.
func AnnouncementClips(language string) []string {
	var names []string
	for _, part := range []string{"position", "position-far", "100-and", "in-queue", "wait", "minutes", "wait-one", "wait-short", "wait-long"} {
		names = append(names, language+"-"+part)
	}
	for n := 1; n <= 100; n++ {
		if words := NumberClips(language, n); len(words) == 1 {
			names = append(names, words...)
		}
	}
	return names
}
