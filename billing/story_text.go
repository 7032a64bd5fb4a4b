package billing

import (
	"fmt"
	"strings"

	"telefonist/call"
)

// storyTexts tell what each line of a call's story means. {agent}, {number}, {to}, {reason}, {code} and {leg} are its fields; what
// stands in brackets is left out where a field in it is empty.
var storyTexts = map[call.Kind]string{
	call.KindArrived:   "the call came in",
	call.KindQueued:    "the caller waits in the queue",
	call.KindConnected: "the caller is connected (200)",
	call.KindOffered:   "the phone of {agent} is called[, again, since: {reason}]",
	call.KindMissed:    "{agent} did not take it[: {reason}][ ({code})]",
	call.KindAnswered:  "{agent} answered: handling begins",
	call.KindWithdrawn: "the answer of {agent} does not count[: {reason}]",
	call.KindOpened:    "the caller and {agent} hear each other",
	call.KindWarned:    "{agent} was warned that the included time is soon over",
	call.KindOverran:   "the included time is over",
	call.KindLong:      "handling has become long",
	call.KindHeld:      "the call was put on hold[ by {agent}]",
	call.KindResumed:   "the call was taken off hold[ by {agent}]",
	call.KindLeft:      "{agent} left the call: handling ends",
	call.KindReturned:  "{agent} is back in the call: handling begins again",
	call.KindTransfer:  "{agent} connects the caller directly with[ {number}][ {to}]",
	call.KindConsult:   "{agent} calls[ {number}][ {to}] first",
	call.KindReached:   "[{number}][ {to}] answered[ (as {reason})]",
	call.KindUnreached: "[{number}][ {to}] was not reached[: {reason}][ ({code})]",
	call.KindRefused:   "a connection[ with {number}] was refused[: {reason}][ ({code})]",
	call.KindMediated:  "the caller is connected[ with {number}]: mediation, {reason}",
	call.KindVoicemail: "a voicemail answered[ for {number}]: no mediation",
	call.KindRecalled:  "the connection[ with {number}][ with {to}] failed, the caller comes back[ to {agent}][: {reason}][ ({code})]",
	call.KindForwarded: "sent on by the tenant's rule[ to {number}]",
	call.KindPrompt:    "a prompt plays[: {reason}]",
	call.KindLost:      "no audio comes from a far side any more[: {reason}]",
	call.KindClosed:    "the tenant is closed",
	call.KindNoAgent:   "nobody who may answer is logged in[ of the group {to}]",
	call.KindKey:       "the caller pressed a key: {reason}",
	call.KindWish:      "the caller wishes to be called back[ at {number}]",
	call.KindSwapped:   "{agent} turned to the {reason}",
	call.KindJoined:    "caller, {agent} and the third party hear each other",
	call.KindTakenBack: "{agent} took the caller back from[ {number}][ {to}]",
	call.KindColleague: "{agent} has the call from now on[: {reason}]",
	call.KindParked:    "{agent} parked the caller",
	call.KindPickedUp:  "{agent} asked for the call",
	call.KindUnparked:  "parked for too long: the caller comes back[ to {agent}]",
	call.KindHandBack:  "{agent} gave the caller back to the queue[, to the group {to}]",
	call.KindRelieved:  "a supervisor took {agent} out of the call",
	call.KindGranted:   "a supervisor granted more time[: {reason}]",
	call.KindLimit:     "at the limit of time: {reason}[ to {number}]",
	call.KindDiverted:  "a supervisor sent the waiting caller on[ to {number}]",
	call.KindDialled:   "{agent} calls out[ to {number}]",
	call.KindReady:     "the phone of {agent} answered",
	call.KindCalled:    "the party's phone is called[: {number}]",
	call.KindEnded:     "the call ended: {reason}",
}

// detail tells what a line of a story means. A kind that a later version wrote is told by its fields.
func detail(e call.Entry) string {
	text, known := storyTexts[e.Kind]
	if !known {
		text = "[{agent}][ {number}][ {to}][ {reason}][ {code}]"
	}
	code := ""
	if e.Code != 0 {
		code = fmt.Sprint(e.Code)
	}
	fields := map[string]string{"agent": e.Agent, "number": e.Number, "to": e.To, "reason": e.Reason, "code": code, "leg": string(e.Leg)}
	var b strings.Builder
	for text != "" {
		before, rest, optional := strings.Cut(text, "[")
		part, _ := fill(before, fields)
		b.WriteString(part)
		if !optional {
			break
		}
		inside, after, _ := strings.Cut(rest, "]")
		if part, whole := fill(inside, fields); whole {
			b.WriteString(part)
		}
		text = after
	}
	if e.By != "" {
		b.WriteString(", by " + e.By)
	}
	return strings.TrimSpace(b.String())
}

// fill puts fields into a text; whole is false where one of them is empty.
func fill(text string, fields map[string]string) (out string, whole bool) {
	whole = true
	for name, value := range fields {
		mark := "{" + name + "}"
		if strings.Contains(text, mark) {
			whole = whole && value != ""
			text = strings.ReplaceAll(text, mark, value)
		}
	}
	return text, whole
}
