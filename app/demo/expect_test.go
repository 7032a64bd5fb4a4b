package demo

import (
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/record"
	"telefonist/tariff"
)

func good() (Expectation, record.Record) {
	e := Expectation{No: 3, Scenario: Busy, SIPCall: "a@b", Tenant: "acme", CommonNumber: "+4684000001", Outcome: call.OutcomeAnswered,
		Answered: true, Tariffs: []tariff.Tariff{tariff.AnsweredDay}, Recalled: true,
		HandledMin: 1500 * time.Millisecond, HandledMax: 2500 * time.Millisecond,
		Hearings: []Hearing{{"the caller", "anna", 200 * time.Millisecond, 700 * time.Millisecond}, {"the caller", "bosse", 0, 0}}}
	r := record.Record{Call: "1", Tenant: "acme", CommonNumber: "+4684000001", Outcome: call.OutcomeAnswered, HandledMS: 2000,
		Row:     &tariff.Row{Tariff: tariff.Tariffs{tariff.AnsweredDay}, HandledMS: 2000},
		Parties: record.Parties{SIPCall: "a@b"}, Story: []call.Entry{{Kind: call.KindRecalled}}}
	return e, r
}

func TestARecordAsExpectedIsNoMismatch(t *testing.T) {
	e, r := good()
	if got := Check([]Expectation{e}, []record.Record{r}); len(got) != 0 {
		t.Errorf("mismatches: %v", got)
	}
}

func TestEveryDifferenceIsFound(t *testing.T) {
	for what, change := range map[string]func(*Expectation, *record.Record){
		"tenant":            func(_ *Expectation, r *record.Record) { r.Tenant = "nordbygg" },
		"common number":     func(_ *Expectation, r *record.Record) { r.CommonNumber = "" },
		"outcome":           func(_ *Expectation, r *record.Record) { r.Outcome = call.OutcomeInterrupted },
		"mediation":         func(_ *Expectation, r *record.Record) { r.Mediated = call.ByDirect },
		"tariff row":        func(_ *Expectation, r *record.Record) { r.Row = nil },
		"tariff is 3":       func(_ *Expectation, r *record.Record) { r.Row.Tariff[0] = tariff.AnsweredEvening },
		"tariff is 1+2":     func(_ *Expectation, r *record.Record) { r.Row.Tariff[1] = tariff.MediatedDay },
		"over what":         func(_ *Expectation, r *record.Record) { r.Row.Over45 = true },
		"marked long":       func(_ *Expectation, r *record.Record) { r.Row.OverLong = true },
		"row has":           func(_ *Expectation, r *record.Record) { r.Row.HandledMS = 1 },
		"handling is 1.499": func(_ *Expectation, r *record.Record) { r.HandledMS, r.Row.HandledMS = 1499, 1499 },
		"handling is 2.501": func(_ *Expectation, r *record.Record) { r.HandledMS, r.Row.HandledMS = 2501, 2501 },
		"recalled":          func(_ *Expectation, r *record.Record) { r.Story[0].Kind = call.KindHeld },
		"no such call":      func(_ *Expectation, r *record.Record) { r.Parties.SIPCall = "c@d" },
		"0 records, not 1":  func(_ *Expectation, r *record.Record) { r.Parties.SIPCall = "c@d" },
		"1 records, not 0":  func(e *Expectation, _ *record.Record) { e.Refused = 404 },
		"heard anna":        func(e *Expectation, _ *record.Record) { e.Hearings[0].Got = 100 * time.Millisecond },
		"should not have":   func(e *Expectation, _ *record.Record) { e.Hearings[1].Got = time.Second },
		"on fire":           func(e *Expectation, _ *record.Record) { e.Problems = []string{"the phone is on fire"} },
	} {
		e, r := good()
		change(&e, &r)
		found := ""
		for _, m := range Check([]Expectation{e}, []record.Record{r}) {
			found += m.String() + "\n"
		}
		if !strings.Contains(found, what) {
			t.Errorf("%q is not among the mismatches:\n%s", what, found)
		}
	}
}

func TestACallWithTwoRecordsOrNoneIsFound(t *testing.T) {
	e, r := good()
	twin := r
	twin.Call = "2"
	if got := Check([]Expectation{e}, []record.Record{r, twin}); len(got) != 1 || !strings.Contains(got[0].What, "2 records") {
		t.Errorf("two records: %v", got)
	}
	if got := Check([]Expectation{e}, nil); len(got) != 1 || !strings.Contains(got[0].What, "0 records") {
		t.Errorf("no record: %v", got)
	}
}

func TestACorrectionIsNoSecondRecord(t *testing.T) {
	e, r := good()
	correction := r
	correction.Call, correction.Corrects = "2", "1"
	if got := Check([]Expectation{e}, []record.Record{r, correction}); len(got) != 0 {
		t.Errorf("mismatches: %v", got)
	}
}

func TestACallThatWasBrokenOffOnlyNeedsItsRecord(t *testing.T) {
	e, r := good()
	e.Broken = true
	r.Outcome, r.Row = call.OutcomeAbandoned, nil
	if got := Check([]Expectation{e}, []record.Record{r}); len(got) != 0 {
		t.Errorf("mismatches: %v", got)
	}
}
