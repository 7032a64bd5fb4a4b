package record

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/tariff"
)

func replayed(t *testing.T) (Record, tariff.Plan) {
	t.Helper()
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	line := func(since time.Duration, k call.Kind, reason string) call.Entry {
		return call.Entry{Wall: at.Add(since), Since: since, Kind: k, Agent: "anna", AgentKind: call.Service, Reason: reason, Number: "205"}
	}
	plan := tariff.DefaultPlan()
	plan.Version = 7
	rec := Fold(Head{Call: "c", Received: at, Rules: call.Rules{Tenant: "acme", CustomerService: true}, Plan: plan}, []call.Entry{
		line(0, call.KindArrived, ""), line(4*time.Second, call.KindAnswered, ""), line(5*time.Second, call.KindOpened, ""),
		line(54*time.Second, call.KindMediated, call.ByDirect), line(54*time.Second, call.KindLeft, ""),
		line(90*time.Second, call.KindEnded, "mediated/caller"),
	})
	doc, err := json.Marshal(rec) // as the store keeps it
	if err != nil {
		t.Fatal(err)
	}
	var kept Record
	if err := json.Unmarshal(doc, &kept); err != nil {
		t.Fatal(err)
	}
	return kept, plan
}

func TestAStoryReplaysToTheSameRow(t *testing.T) {
	rec, plan := replayed(t)
	for _, p := range []*tariff.Plan{&plan, nil} {
		if d := Replay(rec, p); d != nil {
			t.Errorf("differs: %v", d)
		}
	}
	rec.Parties = Parties{} // masked
	if d := Replay(rec, &plan); d != nil {
		t.Errorf("differs: %v", d)
	}
}

func TestARecordThatIsNotItsStorysIsFoundOut(t *testing.T) {
	for what, change := range map[string]func(*Record){
		"handled_ms": func(r *Record) { r.HandledMS++ }, "waited_ms": func(r *Record) { r.WaitedMS-- },
		"outcome": func(r *Record) { r.Outcome = call.OutcomeAnswered }, "mediated": func(r *Record) { r.Mediated = "" },
		"row: amount_ore": func(r *Record) { r.Row.AmountOre++ }, "row: tariff": func(r *Record) { r.Row.Tariff[0]++ },
		"charged": func(r *Record) { r.Row = nil }, "answered": func(r *Record) { r.Answered = r.Answered.Add(time.Nanosecond) },
		"no story": func(r *Record) { r.Story = nil },
	} {
		rec, plan := replayed(t)
		change(&rec)
		if d := strings.Join(Replay(rec, &plan), "\n"); !strings.Contains(d, what) {
			t.Errorf("%s: found %q", what, d)
		}
	}
}
