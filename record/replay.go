package record

import (
	"fmt"
	"slices"
	"time"

	"telefonist/call"
	"telefonist/tariff"
)

// Replay folds the story of a record again, and tells what comes out otherwise than it stands in the record; nothing where it is
// the same. plan is the one that the row names, nil where it is not known any more: then the facts that the row was rated from are
// compared, and what they cost is not. What is personal data is not compared, since it may have been masked.
func Replay(r Record, plan *tariff.Plan) (differs []string) {
	if len(r.Story) == 0 {
		return []string{"no story is kept"}
	}
	again := Fold(headOf(r, plan), r.Story)
	compare := func(what string, was, is any) {
		if was != is {
			differs = append(differs, fmt.Sprintf("%s: the record says %v, the story %v", what, was, is))
		}
	}
	compare("answered", instant(r.Answered), instant(again.Answered))
	compare("ended", instant(r.Ended), instant(again.Ended))
	compare("waited_ms", r.WaitedMS, again.WaitedMS)
	compare("handled_ms", r.HandledMS, again.HandledMS)
	compare("outcome", r.Outcome, again.Outcome)
	compare("cause", r.Cause, again.Cause)
	compare("mediated", r.Mediated, again.Mediated)
	compare("charged", r.Row != nil, again.Row != nil)
	if r.Row == nil || again.Row == nil {
		return differs
	}
	compare("row: answered_at", instant(r.Row.AnsweredAt), instant(again.Row.AnsweredAt))
	compare("row: handled_ms", r.Row.HandledMS, again.Row.HandledMS)
	compare("row: mediated", r.Row.Mediated, again.Row.Mediated)
	if plan != nil {
		compare("row: plan", r.Row.Plan, again.Row.Plan)
		compare("row: tariff", r.Row.Tariff.String(), again.Row.Tariff.String())
		compare("row: period", r.Row.Period, again.Row.Period)
		compare("row: over_45s", r.Row.Over45, again.Row.Over45)
		compare("row: over_long", r.Row.OverLong, again.Row.OverLong)
		compare("row: amount_ore", r.Row.AmountOre, again.Row.AmountOre)
	}
	return differs
}

// headOf is what of a call's head its record tells.
func headOf(r Record, plan *tariff.Plan) Head {
	h := Head{Call: r.Call, Received: r.Received, Rules: call.Rules{Tenant: r.Tenant, Number: r.Number, CommonNumber: r.CommonNumber},
		Plan: tariff.DefaultPlan()}
	if r.Row != nil {
		h.Rules.CustomerService = r.Row.CustomerService
	} else if slices.ContainsFunc(r.Story, func(e call.Entry) bool { return e.Kind == call.KindDialled }) {
		h.Rules.Kind = call.Outgoing // of those that are not charged nothing depends on it
	}
	if plan != nil {
		h.Plan = *plan
	}
	return h
}

// instant is a time as it is kept: without a zone and a monotonic reading.
func instant(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339Nano)
}
