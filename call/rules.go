package call

import "time"

// Overflow is what happens to a call that the queue cannot keep.
type Overflow string

const (
	OverflowPrompt  Overflow = "prompt"  // a prompt, then hang up
	OverflowBusy    Overflow = "busy"    // 486 before the call is connected, busy tone and hang up after
	OverflowForward Overflow = "forward" // on to another number through the tenant's trunk
)

// Rules are a tenant's settings as they stood when the call arrived. They never change for that call.
type Rules struct {
	Tenant     string `json:"tenant"`
	TenantName string `json:"tenant_name"`
	// Number is the tenant's unique number, E.164.
	Number string `json:"number"`
	// CommonNumber is the number that the caller dialled where it is known (E.164), with its name ("Försäljning") and
	// whether it is a customer-service number.
	CommonNumber    string `json:"common_number,omitempty"`
	CommonName      string `json:"common_name,omitempty"`
	CustomerService bool   `json:"customer_service,omitempty"`
	Trunk           string `json:"trunk"`
	// Display is what a receptionist's phone shows of the call: "Acme · Försäljning".
	Display string `json:"display,omitempty"`

	// Priority orders waiting calls: higher first. Equal priorities are served by waiting time.
	Priority int `json:"priority,omitempty"`
	// RingFirst answers 180 while an agent is tried, for at most RingFirstFor, instead of 200 into the queue at once.
	RingFirst    bool          `json:"ring_first,omitempty"`
	RingFirstFor time.Duration `json:"ring_first_for,omitempty"`

	// MaxWait and MaxQueue limit the waiting line; zero means no limit.
	MaxWait  time.Duration `json:"max_wait,omitempty"`
	MaxQueue int           `json:"max_queue,omitempty"`
	// Overflow is what happens then; ForwardTo is the number for OverflowForward.
	Overflow  Overflow `json:"overflow,omitempty"`
	ForwardTo string   `json:"forward_to,omitempty"`

	// RingTimeout is how long an agent's phone rings; zero or less means 15 s.
	RingTimeout time.Duration `json:"ring_timeout"`
	// RecallAfter is how long a direct connection's target may ring; zero or less means 20 s.
	RecallAfter time.Duration `json:"recall_after"`

	// Warn (35 s), Included (45 s) and Long (2 min) are the marks on the summed handling time. Warn is passed when it is
	// reached, the others by a nanosecond more. Zero or less: no mark.
	Warn     time.Duration `json:"warn"`
	Included time.Duration `json:"included"`
	Long     time.Duration `json:"long"`

	// Voicemail lists numbers that are not the wanted person when they answer.
	Voicemail []string `json:"voicemail,omitempty"`
	// Music is the source that waiting callers hear.
	Music string `json:"music,omitempty"`

	// Welcome names prompts that a caller hears once, when she is connected into the queue and before the music.
	Welcome []string `json:"welcome,omitempty"`
	// Whisper names the prompt that a receptionist of the service hears before the caller hears her, such as the tenant's
	// name; it is cut after 3 s. Empty: none.
	Whisper string `json:"whisper,omitempty"`
	// Language is that of announcements; empty means Swedish.
	Language string `json:"language,omitempty"`
	// AnnouncePosition and AnnounceWait are how often a waiting caller hears which place she has and how long she may have to
	// wait, from AnnounceAfter on; zero or less: never.
	AnnounceAfter    time.Duration `json:"announce_after,omitempty"`
	AnnouncePosition time.Duration `json:"announce_position,omitempty"`
	AnnounceWait     time.Duration `json:"announce_wait,omitempty"`
}
