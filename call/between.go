package call

// side is whom a receptionist speaks to who consults.
type side int

const (
	withTarget side = iota // the announced party, while the caller waits
	withCaller             // the caller, while the announced party waits
	withBoth
)

// consulting tells whether the receptionist has called somebody while the caller waits.
func (c *Call) consulting() bool { return c.phase == talking && c.target.to != (Destination{}) }

// ear is the leg that the receptionist listens to.
func (c *Call) ear() LegID {
	if c.consult != "" && c.target.answered {
		return c.consult
	}
	return c.agent.leg
}

// turn has her speak to the other party, or to both.
func (c *Call) turn(to side) {
	c.side = to
	switch to {
	case withBoth:
		c.log(Entry{Kind: KindJoined, Agent: c.agent.id})
	case withCaller:
		c.log(Entry{Kind: KindSwapped, Agent: c.agent.id, Reason: "caller"})
	default:
		c.log(Entry{Kind: KindSwapped, Agent: c.agent.id, Reason: "target"})
	}
	c.route()
}

// other is the side to swap to.
func (c *Call) other() side {
	if c.side == withTarget {
		return withCaller
	}
	return withTarget
}

// route lets each of the three hear what is theirs: those who speak each other, who waits music. A receptionist with one leg
// hears the announced party's phone ring; while her phone holds, whom she spoke to hears music.
func (c *Call) route() {
	ear, far, quiet := c.ear(), c.target.leg, c.agent.held && c.consult == ""
	switch {
	case !c.target.answered:
		c.music()
		if c.target.early {
			c.emit(Connect{ear, far})
		} else {
			c.emit(Play{Leg: ear, Source: SourceRingback, Loop: true})
		}
	case c.side == withBoth && quiet:
		c.connect(far)
	case c.side == withBoth:
		c.hears = ""
		c.emit(Mix{[]LegID{c.caller, ear, far}})
	case c.side == withCaller:
		c.emit(Play{Leg: far, Source: c.musicSource(), Loop: true})
		if quiet {
			c.music()
		} else {
			c.connect(ear)
		}
	case quiet:
		c.music()
		c.emit(Play{Leg: far, Source: c.musicSource(), Loop: true})
	default:
		c.music()
		c.emit(Connect{ear, far})
	}
}
