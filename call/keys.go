package call

import (
	"slices"
	"time"
)

const (
	// wishKey leaves a wish that was offered by a prompt where the rules name no key for it.
	wishKey = "1"
	// wishPatience is how long a caller may think it over when the prompt has ended.
	wishPatience = 6 * time.Second
)

// key is a key that the caller pressed.
func (c *Call) key(digit string) {
	k, known := c.rules.Keys[digit]
	switch {
	case c.phase == leaving && c.wishing && (known && k.Do == KeyWish || digit == wishKey):
		c.wish()
	case !known || !c.accepted || c.phase != waiting && c.phase != offering:
	case k.Do == KeyWish:
		c.wish()
	case k.Do == KeyForward && k.To != "":
		c.log(Entry{Kind: KindKey, Reason: string(k.Do)})
		c.leaveLine()
		c.forward(Destination{Trunk: c.rules.Trunk, Number: k.To}, OutcomeForwarded)
	case k.Do == KeySay && k.To != "" && c.phase == waiting:
		c.log(Entry{Kind: KindKey, Reason: string(k.Do)})
		c.hears = c.musicSource()
		c.emit(Say{Leg: c.caller, Clips: []string{k.To}, Then: c.hears})
	}
}

// MayWish tells whether the rules let callers leave call-back wishes at all.
func (r *Rules) MayWish() bool {
	for _, k := range r.Keys {
		if k.Do == KeyWish {
			return true
		}
	}
	return slices.Contains([]Overflow{r.Overflow, r.NoAgent, r.Closed}, OverflowWish)
}

// mayWish tells whether the caller can be called back: nothing is promised that cannot be kept.
func (c *Call) mayWish() bool { return c.from.Number != "" && !c.rules.NoWish }

// wish leaves a call-back wish in the caller's place; she is told so and the call ends.
func (c *Call) wish() {
	if !c.mayWish() {
		c.log(Entry{Kind: KindRefused, Reason: "no number to call back"})
		return
	}
	c.leaveLine()
	c.wishing = false
	c.log(Entry{Kind: KindWish})
	c.emit(Wish{c.from.Number})
	c.playOut(c.language()+promptWishLeft, OutcomeWish)
}
