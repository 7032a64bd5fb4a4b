package call

import "time"

// whisperLimit cuts a whisper: the caller waits while it plays.
const whisperLimit = 3 * time.Second

// openAudio lets caller and receptionist hear each other; where the tenant's calls are whispered, the receptionist first
// hears whose call it is while the caller keeps her music. A tenant's own receptionists need not be told, nor one who called
// herself or whose phone holds the call already. Handling time has run since the answer either way.
func (c *Call) openAudio() {
	if c.rules.Whisper == "" || c.agent.kind != Service || c.agent.held || c.out != nil && c.agent.id == c.out.Agent {
		c.join()
		return
	}
	c.whispers = true
	c.music()
	c.emit(Play{Leg: c.agent.leg, Source: c.rules.Whisper})
	c.arm(TimerWhisper, whisperLimit)
}

// whispered goes on after a whisper, or cuts it.
func (c *Call) whispered() {
	if c.whispers {
		c.dropWhisper()
		c.join()
	}
}

// dropWhisper is for a receptionist who does something else meanwhile.
func (c *Call) dropWhisper() {
	if c.whispers {
		c.whispers = false
		c.emit(Disarm{TimerWhisper})
	}
}
