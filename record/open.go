package record

import (
	"slices"

	"telefonist/call"
)

// Dialogs are the legs of a call in the journal that may still stand at the far side, and so must be sent BYE. A leg
// that ended before the crash, or was never confirmed, may be among them: one BYE too many is answered 481 and does no harm.
// The caller's says what a final response needs only where 200 was not sent yet, so that a caller who waits for an answer
// gets one and nobody else does.
func Dialogs(o Open) []call.Dialog {
	var all []call.Dialog
	seen := map[string]bool{}
	add := func(d call.Dialog) {
		if key := d.CallID + "\x00" + d.LocalTag; d.CallID != "" && !seen[key] {
			seen[key] = true
			all = append(all, d)
		}
	}
	head := o.Head.Dialog
	if slices.ContainsFunc(o.Story, func(e call.Entry) bool { return e.Kind == call.KindConnected }) {
		head.Invite = nil
	}
	add(head)
	for _, e := range o.Story {
		if e.Dialog != nil {
			add(*e.Dialog)
		}
	}
	return all
}
