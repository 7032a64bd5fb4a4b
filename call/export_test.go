package call

import "time"

// Handled is the sum of the finished stretches, for comparing it with what the story says.
func (c *Call) Handled() time.Duration { return c.handled }

// Phase names the call's phase, for checking what may be armed in it.
func (c *Call) Phase() string { return string(phases[c.phase]) }
