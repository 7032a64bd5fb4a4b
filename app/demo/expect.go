package demo

import (
	"fmt"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/record"
	"telefonist/tariff"
)

// Expectation is what must be true of one call: what the script said beforehand, with what the phones measured.
type Expectation struct {
	No       int // counted from 1
	Scenario Scenario
	SIPCall  string // Call-ID of the caller's INVITE
	Tenant   string
	// CommonNumber is the number that the caller dialled.
	CommonNumber string
	// Refused is the final status where the INVITE must not be accepted; then there is no record.
	Refused  int
	Outcome  call.Outcome
	Answered bool            // there is a tariff row
	Tariffs  []tariff.Tariff // any of these
	Mediated string          // "direct", "announced" or empty
	Over     bool            // over what is included
	Long     bool            // over the long limit
	Recalled bool            // a connection failed and the caller came back
	Missed   bool            // an offer was not taken
	Held     bool
	// HandledMin and HandledMax bound the handling time, from what the receptionist's phone saw on the wire.
	HandledMin, HandledMax time.Duration
	// Hearings are what somebody had to hear of somebody.
	Hearings []Hearing
	// Problems are what the phones themselves saw go wrong.
	Problems []string
	// Broken is set where the world was stopped in the middle of the call: only that it has one record is asked.
	Broken bool
}

// Hearing is what one party heard of another: at least Want of its tone, or nothing at all where Want is zero.
type Hearing struct {
	Who, Whom string
	Want, Got time.Duration
}

// strayTone is how much of a tone may seem to be heard by chance.
const strayTone = 200 * time.Millisecond

func (h Hearing) problem() string {
	switch {
	case h.Want > 0 && h.Got < h.Want:
		return fmt.Sprintf("%s heard %s for %v, not %v", h.Who, h.Whom, h.Got, h.Want)
	case h.Want == 0 && h.Got > strayTone:
		return fmt.Sprintf("%s heard %s for %v and should not have", h.Who, h.Whom, h.Got)
	}
	return ""
}

// Mismatch is something that did not add up.
type Mismatch struct {
	No       int // the call's number, 0 for a record that nobody asked for
	Scenario Scenario
	SIPCall  string
	What     string
}

// String prints one line.
func (m Mismatch) String() string {
	if m.No == 0 {
		return fmt.Sprintf("SIP call %s: %s", m.SIPCall, m.What)
	}
	return fmt.Sprintf("call %d (%s): %s", m.No, m.Scenario, m.What)
}

// Check compares what had to happen with the records kept: exactly one for each accepted INVITE, exactly one row for
// each answered call, of the right tariff, and everything as the phones saw and heard it. Nothing comes back where all
// adds up.
func Check(expected []Expectation, records []record.Record) []Mismatch {
	var all []Mismatch
	kept := map[string][]record.Record{}
	for _, r := range records {
		if r.Corrects == "" {
			kept[r.Parties.SIPCall] = append(kept[r.Parties.SIPCall], r)
		}
	}
	for _, e := range expected {
		for _, what := range e.check(kept[e.SIPCall]) {
			all = append(all, Mismatch{e.No, e.Scenario, e.SIPCall, what})
		}
		delete(kept, e.SIPCall)
	}
	for _, r := range records {
		if _, left := kept[r.Parties.SIPCall]; left && r.Corrects == "" {
			all = append(all, Mismatch{SIPCall: r.Parties.SIPCall, What: "has a record though no such call was placed"})
		}
	}
	return all
}

// check returns what is wrong with one call.
func (e Expectation) check(records []record.Record) []string {
	wrong := slices.Clone(e.Problems)
	for _, h := range e.Hearings {
		if p := h.problem(); p != "" {
			wrong = append(wrong, p)
		}
	}
	want := 1
	if e.Refused != 0 || e.SIPCall == "" {
		want = 0
	}
	if len(records) != want {
		return append(wrong, fmt.Sprintf("has %d records, not %d", len(records), want))
	}
	if want == 0 || e.Broken {
		return wrong
	}
	return append(wrong, e.compare(records[0])...)
}

// compare returns where a record is not as expected.
func (e Expectation) compare(r record.Record) []string {
	var wrong []string
	differ := func(what string, got, want any) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s is %v, not %v", what, show(got), show(want)))
		}
	}
	differ("tenant", r.Tenant, e.Tenant)
	differ("common number", r.CommonNumber, e.CommonNumber)
	differ("outcome", r.Outcome, e.Outcome)
	differ("mediation", r.Mediated, e.Mediated)
	differ("existence of a tariff row", r.Row != nil, e.Answered)
	if e.Answered {
		handled := time.Duration(r.HandledMS) * time.Millisecond
		if handled < e.HandledMin || handled > e.HandledMax {
			wrong = append(wrong, fmt.Sprintf("handling is %v, the phone saw %v to %v", handled, e.HandledMin, e.HandledMax))
		}
	}
	if r.Row != nil {
		wrong = append(wrong, e.compareRow(*r.Row, r)...)
	}
	for _, k := range []struct {
		kind call.Kind
		want bool
	}{{call.KindRecalled, e.Recalled}, {call.KindHeld, e.Held || e.Scenario == Announced}, {call.KindMissed, e.Missed}} {
		has := slices.ContainsFunc(r.Story, func(entry call.Entry) bool { return entry.Kind == k.kind })
		if len(r.Story) > 0 && has != k.want && (k.want || k.kind == call.KindRecalled) {
			differ(fmt.Sprintf("%q in its story", k.kind), has, k.want)
		}
	}
	return wrong
}

func (e Expectation) compareRow(row tariff.Row, r record.Record) []string {
	var wrong []string
	if row.Tariff[1] != 0 || !slices.Contains(e.Tariffs, row.Tariff[0]) {
		wrong = append(wrong, fmt.Sprintf("tariff is %s, not %v", row.Tariff, e.Tariffs))
	}
	if row.Over45 != e.Over {
		wrong = append(wrong, fmt.Sprintf("marked over what is included: %v, not %v", row.Over45, e.Over))
	}
	if row.OverLong != e.Long {
		wrong = append(wrong, fmt.Sprintf("marked long: %v, not %v", row.OverLong, e.Long))
	}
	if row.HandledMS != r.HandledMS {
		wrong = append(wrong, fmt.Sprintf("row has %d ms of handling, its record %d", row.HandledMS, r.HandledMS))
	}
	return wrong
}

func show(v any) any {
	if s, is := v.(string); is && s == "" {
		return "none"
	}
	return v
}
