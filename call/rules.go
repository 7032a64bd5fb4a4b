package call

import "time"

// Overflow is what happens to a call that the queue cannot keep.
type Overflow string

const (
	OverflowPrompt  Overflow = "prompt"  // a prompt, then hang up
	OverflowBusy    Overflow = "busy"    // 486 before the call is connected, busy tone and hang up after
	OverflowForward Overflow = "forward" // on to another number through the tenant's trunk
	OverflowWish    Overflow = "wish"    // the caller is told that she may leave a call-back wish with a key
)

// Overflows lists every kind.
var Overflows = []Overflow{OverflowPrompt, OverflowBusy, OverflowForward, OverflowWish}

// Way tells who called whom.
type Way string

const (
	Incoming Way = ""         // somebody calls the tenant
	Outgoing Way = "out"      // a receptionist calls in the tenant's name: never rated
	Callback Way = "callback" // she calls somebody who left a wish: rated as answered from when the party answers
)

// AtLimit is what happens when a call has been handled for the included time.
type AtLimit string

const (
	LimitRecord  AtLimit = "record"  // the tones, and a line of the story; the default
	LimitNotify  AtLimit = "notify"  // and the supervisor is told
	LimitForward AtLimit = "forward" // and the caller is connected to LimitTo
	LimitEnd     AtLimit = "end"     // and the caller hears LimitPrompt, then the call ends
)

// AtLimits lists every kind.
var AtLimits = []AtLimit{LimitRecord, LimitNotify, LimitForward, LimitEnd}

// KeyAction is what a key does that a waiting caller presses.
type KeyAction string

const (
	KeyWish    KeyAction = "wish"    // leaves a call-back wish for her own number
	KeyForward KeyAction = "forward" // sends her on to the number To
	KeySay     KeyAction = "say"     // plays the prompt To; she keeps her place
)

// KeyActions lists every kind.
var KeyActions = []KeyAction{KeyWish, KeyForward, KeySay}

// Key is what a key does in the queue.
type Key struct {
	Do KeyAction `json:"do"`
	To string    `json:"to,omitempty"`
}

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
	// Kind is Incoming unless the service calls.
	Kind Way `json:"kind,omitempty"`
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

	// OverflowClip names the prompt that she hears then instead of PromptTryLater.
	OverflowClip string `json:"overflow_clip,omitempty"`
	// NoAgent is what happens when nobody who may answer is logged in, with ForwardTo as above; empty: the caller waits.
	NoAgent Overflow `json:"no_agent,omitempty"`
	// Closed is set where the tenant is closed when the call arrives: what happens instead of a queue. ClosedTo is the number for
	// OverflowForward; ClosedPrompt names the prompt, empty: the language's "-closed".
	Closed       Overflow `json:"closed,omitempty"`
	ClosedTo     string   `json:"closed_to,omitempty"`
	ClosedPrompt string   `json:"closed_prompt,omitempty"`
	// NoWish is set where this caller cannot be called back: her number is not one that may be called for the tenant.
	NoWish bool `json:"no_wish,omitempty"`
	// Keys are what a waiting caller may press.
	Keys map[string]Key `json:"keys,omitempty"`
	// KeepPlace is how long the place of a caller who gave up is kept for her to call again; zero: not at all.
	KeepPlace time.Duration `json:"keep_place,omitempty"`
	// Serve says who is offered the call, nil: everybody who answers for the tenant. It is shared and never written to.
	Serve *Serve `json:"serve,omitempty"`

	// RingTimeout is how long an agent's phone rings; zero or less means 15 s.
	RingTimeout time.Duration `json:"ring_timeout"`
	// RecallAfter is how long a direct connection's target may ring; zero or less means 20 s.
	RecallAfter time.Duration `json:"recall_after"`

	// ParkRecall is how long a parked caller waits until she is brought back; zero or less means 3 min.
	ParkRecall time.Duration `json:"park_recall,omitempty"`

	// Warn (35 s), Included (45 s) and Long (2 min) are the marks on the summed handling time. Warn is passed when it is
	// reached, the others by a nanosecond more. Zero or less: no mark.
	Warn     time.Duration `json:"warn"`
	Included time.Duration `json:"included"`
	Long     time.Duration `json:"long"`
	// AtLimit is what happens at Included, or later where a supervisor grants more; LimitTo is the number for LimitForward,
	// LimitPrompt names the prompt for LimitEnd and for the hard cap, empty: none.
	AtLimit     AtLimit `json:"at_limit,omitempty"`
	LimitTo     string  `json:"limit_to,omitempty"`
	LimitPrompt string  `json:"limit_prompt,omitempty"`
	// HardCap ends a call that has been handled for so long; zero means 30 min, negative none.
	HardCap time.Duration `json:"hard_cap,omitempty"`

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
