package call

import "time"

// Handled is the sum of the finished stretches, for comparing it with what the story says.
func (c *Call) Handled() time.Duration { return c.handled }
