package call

// PromptTryLater is the prompt that a caller hears whom the queue cannot keep.
const PromptTryLater = "try-later"

// Prompts that are spoken in the caller's language, as they are named after it: "sv-closed".
const (
	promptClosed    = "-closed"         // the tenant is closed
	promptWishOffer = "-callback-offer" // press one, and we call you back
	promptWishLeft  = "-callback-left"  // we shall call you back
	promptAtLimit   = "-limit"          // the call has to end now: for Rules.LimitPrompt, which is empty unless somebody chooses it
)

// PromptClips are the names of the prompts in a language that calls play besides announcements; see AnnouncementClips.
func PromptClips(language string) []string {
	var names []string
	for _, part := range []string{promptClosed, promptWishOffer, promptWishLeft, promptAtLimit} {
		names = append(names, language+part)
	}
	return names
}
