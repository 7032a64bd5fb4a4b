package record

import "telefonist/call"

// Dialogs are the legs of a call in the journal that may still stand at the far side, and so must be sent BYE. A leg
// that ended before the crash, or was never confirmed, may be among them: one BYE too many is answered 481 and does no harm.
func Dialogs(o Open) []call.Dialog {
	var all []call.Dialog
	seen := map[string]bool{}
	add := func(d call.Dialog) {
		if key := d.CallID + "\x00" + d.LocalTag; d.CallID != "" && !seen[key] {
			seen[key] = true
			all = append(all, d)
		}
	}
	add(o.Head.Dialog)
	for _, e := range o.Story {
		if e.Dialog != nil {
			add(*e.Dialog)
		}
	}
	return all
}
