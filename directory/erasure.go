package directory

import "errors"

// ErrOnCall: a call that the person takes part in goes on, or the person waits to be called back; the record of that is still to
// be written.
var ErrOnCall = errors.New("a call with the person is going on, or one back to them is still to be made")

// Erase asks for a person to be erased.
type Erase struct {
	By Actor
	// Spare are numbers that are more than the person's, such as the tenant's own: they are no traces.
	Spare []string
	// DryRun only counts.
	DryRun bool
}

// Erasure tells what erasing a person takes away, and what is left for somebody to look at. It names nobody.
type Erasure struct {
	Person string `json:"person" doc:"The id, which stays in the history as the key of what was erased"`
	DryRun bool   `json:"dry_run"`
	// Of the directory.
	Referrals   int `json:"referrals" doc:"Referrals that are deleted"`
	Versions    int `json:"versions" doc:"Changes in the history, imports among them, whose old and new texts are emptied"`
	Substitutes int `json:"substitutes" doc:"People who have the person as a substitute, and lose that"`
	Masked      int `json:"masked_versions" doc:"Earlier versions of other items in which the person's name, addresses and numbers are masked"`
	// Of calls and messages.
	Calls    int `json:"calls" doc:"Call records in which the person is masked. What is charged for them stays"`
	Messages int `json:"messages" doc:"Messages to the person, which are deleted"`
	About    int `json:"messages_about" doc:"Messages to others in which the person is masked"`
	// Mentions are left as they are: free text that only a human can reword.
	Mentions []Mention `json:"mentions" doc:"Other items that mention the person and stay as they are: reword them before erasing, so that their earlier versions are masked too"`
}

// Mention is an item that mentions somebody.
type Mention struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}
