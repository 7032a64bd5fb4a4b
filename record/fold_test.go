package record

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/tariff"
)

var begin = time.Date(2026, 11, 23, 9, 0, 0, 123456789, time.FixedZone("", 3600))

func head() Head {
	return Head{Call: "k", Received: begin, Plan: tariff.DefaultPlan(), Caller: call.Party{Number: "+46701234567", Name: "Kim"},
		Rules:   call.Rules{Tenant: "acme", Number: "+46850000001", CommonNumber: "+4684000001", CustomerService: true},
		SIPCall: "sip-1", Leg: "c", Dialog: call.Dialog{CallID: "in", LocalTag: "t", RouteSet: []string{"<sip:a>"}, CSeq: 7}}
}

// at makes an entry at so many seconds of the call.
func at(s float64, k call.Kind, agent string) call.Entry {
	since := time.Duration(s * float64(time.Second))
	e := call.Entry{Wall: begin.Add(since), Since: since, Kind: k, Agent: agent}
	if agent != "" {
		e.AgentKind = call.Service
	}
	return e
}

func own(e call.Entry) call.Entry { e.AgentKind = call.Own; return e }

func because(e call.Entry, reason string) call.Entry { e.Reason = reason; return e }

func ends(s float64, o call.Outcome) call.Entry {
	return because(at(s, call.KindEnded, ""), call.EndReason(o, call.CauseBye))
}

func TestFold(t *testing.T) {
	arrived := at(0, call.KindArrived, "")
	for _, c := range []struct {
		name     string
		story    []call.Entry
		waited   int64
		handled  int64
		tariff   string
		mediated string
		agents   []string
	}{
		{name: "abandoned: it waited to its end and has no row",
			story: []call.Entry{arrived, ends(12.5, call.OutcomeAbandoned)}, waited: 12500},
		{name: "answered: handled from the answer to the leaving",
			story:  []call.Entry{arrived, at(4, call.KindAnswered, "anna"), at(34, call.KindLeft, "anna"), ends(90, call.OutcomeAnswered)},
			waited: 4000, handled: 30000, tariff: "1", agents: []string{"anna"}},
		{name: "ended with the receptionist in it: handled to the end",
			story:  []call.Entry{arrived, at(4, call.KindAnswered, "anna"), ends(34, call.OutcomeInterrupted)},
			waited: 4000, handled: 30000, tariff: "1", agents: []string{"anna"}},
		{name: "mediated",
			story: []call.Entry{arrived, at(1, call.KindAnswered, "anna"), at(11, call.KindLeft, "anna"),
				because(at(15, call.KindMediated, "anna"), call.ByDirect), ends(900, call.OutcomeMediated)},
			waited: 1000, handled: 10000, tariff: "2", mediated: "direct", agents: []string{"anna"}},
		{name: "recalled: the second stretch is summed, the pause is not",
			story: []call.Entry{arrived, at(1, call.KindAnswered, "anna"), at(61, call.KindLeft, "anna"),
				because(at(81, call.KindRecalled, "anna"), "busy"), at(81, call.KindReturned, "anna"), at(142, call.KindLeft, "anna"),
				ends(142, call.OutcomeAnswered)},
			waited: 1000, handled: 121000, tariff: "5", agents: []string{"anna"}},
		{name: "recalled to a phone that rings anew: answered twice by one",
			story: []call.Entry{arrived, at(1, call.KindAnswered, "anna"), at(2, call.KindLeft, "anna"), at(9, call.KindAnswered, "anna"),
				at(10, call.KindLeft, "anna"), ends(10, call.OutcomeAnswered)},
			waited: 1000, handled: 2000, tariff: "1", agents: []string{"anna"}},
		{name: "two receptionists at once count once",
			story: []call.Entry{arrived, at(0, call.KindAnswered, "anna"), at(10, call.KindAnswered, "bo"), at(20, call.KindLeft, "anna"),
				at(30, call.KindLeft, "bo"), ends(30, call.OutcomeAnswered)},
			handled: 30000, tariff: "1", agents: []string{"anna", "bo"}},
		{name: "the tenant's own receptionist is not rated",
			story:  []call.Entry{arrived, own(at(3, call.KindAnswered, "olle")), at(90, call.KindLeft, "olle"), ends(90, call.OutcomeAnswered)},
			waited: 3000, agents: []string{"olle"}},
		{name: "own receptionist first, then one of the service: only the latter's time is rated",
			story: []call.Entry{arrived, own(at(3, call.KindAnswered, "olle")), at(90, call.KindLeft, "olle"),
				at(100, call.KindAnswered, "anna"), at(130, call.KindLeft, "anna"), ends(130, call.OutcomeAnswered)},
			waited: 3000, handled: 30000, tariff: "1", agents: []string{"olle", "anna"}},
		{name: "a withdrawn answer is unrated",
			story:  []call.Entry{arrived, at(3, call.KindAnswered, "anna"), at(5, call.KindWithdrawn, "anna"), ends(9, call.OutcomeAbandoned)},
			waited: 9000},
		{name: "withdrawn, then answered by another",
			story: []call.Entry{arrived, at(3, call.KindAnswered, "anna"), at(5, call.KindWithdrawn, "anna"), at(8, call.KindAnswered, "bo"),
				at(9, call.KindLeft, "bo"), ends(9, call.OutcomeAnswered)},
			waited: 8000, handled: 1000, tariff: "1", agents: []string{"bo"}},
		{name: "a second answer withdrawn leaves the first",
			story: []call.Entry{arrived, at(3, call.KindAnswered, "anna"), at(4, call.KindLeft, "anna"), at(8, call.KindAnswered, "anna"),
				at(10, call.KindWithdrawn, "anna"), ends(12, call.OutcomeAnswered)},
			waited: 3000, handled: 1000, tariff: "1", agents: []string{"anna"}},
		{name: "a nanosecond begins a millisecond",
			story: []call.Entry{arrived, at(0, call.KindAnswered, "anna"), {Wall: begin, Since: 45*time.Second + 1, Kind: call.KindLeft, Agent: "anna"},
				ends(50, call.OutcomeAnswered)},
			handled: 45001, tariff: "1", agents: []string{"anna"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Fold(head(), c.story)
			tariff := ""
			if r.Row != nil {
				tariff = r.Row.Tariff.String()
			}
			if r.WaitedMS != c.waited || r.HandledMS != c.handled || tariff != c.tariff || r.Mediated != c.mediated || !reflect.DeepEqual(r.Parties.Agents, c.agents) {
				t.Errorf("waited %d, handled %d, tariff %q, mediated %q, agents %v", r.WaitedMS, r.HandledMS, tariff, r.Mediated, r.Parties.Agents)
			}
			if len(c.agents) > 0 && r.Parties.Agent != c.agents[0] || r.Answered.IsZero() != (c.agents == nil) {
				t.Errorf("answered %v by %q", r.Answered, r.Parties.Agent)
			}
			same(t, r, Fold(r.head(t), r.Story)) // the story gives the record again
		})
	}
}

// head is the head that the record was folded from, but for what the record does not keep.
func (r Record) head(t *testing.T) Head {
	t.Helper()
	h := head()
	if r.Call != h.Call || r.Tenant != h.Rules.Tenant || r.Number != h.Rules.Number || r.CommonNumber != h.Rules.CommonNumber ||
		!r.Received.Equal(h.Received) || r.Parties.Caller != h.Caller.Number || r.Parties.CallerName != h.Caller.Name || r.Parties.SIPCall != h.SIPCall {
		t.Errorf("record lost something of its head: %+v", r)
	}
	return h
}

func same(t *testing.T, a, b any) {
	t.Helper()
	one, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	two, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(two) {
		t.Errorf("differ:\n%s\n%s", one, two)
	}
}

func TestColleagueWhoTakesOverGoesOnWithTheHandlingTime(t *testing.T) {
	for _, c := range []struct {
		name    string
		story   []call.Entry
		handled int64
		tariff  string
	}{
		{"of the service", []call.Entry{at(1, call.KindAnswered, "anna"), at(31, call.KindLeft, "anna"), at(36, call.KindColleague, "bo"),
			at(56, call.KindLeft, "bo")}, 50000, "1"},
		{"of the tenant: not rated", []call.Entry{at(1, call.KindAnswered, "anna"), at(31, call.KindLeft, "anna"),
			own(at(36, call.KindColleague, "bo")), at(56, call.KindLeft, "bo")}, 30000, "1"},
		{"of the service, from the tenant's own", []call.Entry{own(at(1, call.KindAnswered, "anna")), at(31, call.KindLeft, "anna"),
			at(36, call.KindColleague, "bo"), at(56, call.KindLeft, "bo")}, 20000, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Fold(head(), append(c.story, ends(56, call.OutcomeAnswered)))
			if r.HandledMS != c.handled || r.Row == nil || r.Row.Tariff.String() != c.tariff || !reflect.DeepEqual(r.Parties.Agents, []string{"anna", "bo"}) {
				t.Errorf("handled %d, row %+v, agents %v", r.HandledMS, r.Row, r.Parties.Agents)
			}
		})
	}
}

func TestParkedTimeIsNoHandling(t *testing.T) {
	r := Fold(head(), []call.Entry{at(1, call.KindAnswered, "anna"), at(11, call.KindParked, "anna"), at(11, call.KindLeft, "anna"),
		at(100, call.KindPickedUp, "bo"), at(103, call.KindAnswered, "bo"), at(113, call.KindLeft, "bo"), ends(113, call.OutcomeAnswered)})
	if r.HandledMS != 20000 || r.WaitedMS != 1000 {
		t.Errorf("handled %d, waited %d", r.HandledMS, r.WaitedMS)
	}
}

func TestCallingOutIsNeverRatedAndCallingBackIs(t *testing.T) {
	for _, c := range []struct {
		way   call.Way
		story []call.Entry
		row   bool
	}{
		{call.Outgoing, []call.Entry{at(0, call.KindDialled, "anna"), at(5, call.KindReached, "anna"), at(25, call.KindLeft, "anna"),
			ends(25, call.OutcomeReached)}, false},
		{call.Outgoing, []call.Entry{at(0, call.KindDialled, "anna"), at(5, call.KindReached, "anna"), at(25, call.KindParked, "anna"),
			at(40, call.KindAnswered, "bo"), at(50, call.KindLeft, "bo"), ends(50, call.OutcomeReached)}, false},
		{call.Callback, []call.Entry{at(0, call.KindDialled, "anna"), at(5, call.KindReached, "anna"), at(5, call.KindAnswered, "anna"),
			at(25, call.KindLeft, "anna"), ends(25, call.OutcomeAnswered)}, true},
	} {
		h := head()
		h.Rules.Kind = c.way
		r := Fold(h, c.story)
		if (r.Row != nil) != c.row || c.row != (r.HandledMS == 20000) {
			t.Errorf("%s: row %v, handled %d", c.way, r.Row, r.HandledMS)
		}
	}
}

func TestPeriodIsThatOfTheFirstAnswerByTheService(t *testing.T) {
	h := head()
	h.Received = time.Date(2026, 11, 23, 17, 59, 0, 0, time.FixedZone("", 3600))
	e := func(s float64, k call.Kind, agent string) call.Entry {
		x := at(s, k, agent)
		x.Wall = h.Received.Add(x.Since)
		return x
	}
	r := Fold(h, []call.Entry{own(e(10, call.KindAnswered, "olle")), e(50, call.KindLeft, "olle"), e(60, call.KindAnswered, "anna"), e(70, call.KindEnded, "")})
	if r.Row == nil || r.Row.Tariff.String() != "3" || !r.Answered.Equal(h.Received.Add(10*time.Second)) {
		t.Errorf("row %+v, answered %v", r.Row, r.Answered)
	}
}

func TestSteppedWallClockChangesNoDuration(t *testing.T) {
	story := []call.Entry{at(0, call.KindArrived, ""), at(4, call.KindAnswered, "anna"), at(34, call.KindLeft, "anna"), ends(90, call.OutcomeAnswered)}
	story[2].Wall = story[2].Wall.Add(-time.Hour)
	story[3].Wall = story[3].Wall.Add(time.Hour)
	if r := Fold(head(), story); r.HandledMS != 30000 || r.WaitedMS != 4000 {
		t.Errorf("handled %d, waited %d", r.HandledMS, r.WaitedMS)
	}
}

func TestInterruptedCallIsRatedToItsLastSignOfLife(t *testing.T) {
	story := []call.Entry{at(0, call.KindArrived, ""), at(4, call.KindAnswered, "anna"), at(4.1, call.KindOpened, "anna")}
	for _, c := range []struct {
		name    string
		beat    float64
		story   []call.Entry
		handled int64
		ended   float64
		row     bool
	}{
		{"heartbeat", 19.1, story, 15100, 19.1, true},
		{"mark after the heartbeat", 34.1, append(story[:3:3], at(39, call.KindWarned, "anna")), 35000, 39, true},
		{"no heartbeat yet", 0, story, 100, 4.1, true},
		{"died as the answer was written", 0, story[:2], 0, 4, true},
		{"never answered", 0, story[:1], 0, 0, false},
		{"nothing but its head", 0, nil, 0, 0, false},
		{"left, then died", 19.1, append(story[:3:3], at(14, call.KindLeft, "anna")), 10000, 19.1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Open{Head: head(), Story: c.story}
			if c.beat > 0 {
				since := time.Duration(c.beat * float64(time.Second))
				o.Heartbeat = call.Instant{Wall: begin.Add(since), Since: since}
			}
			r := Interrupted(o)
			end := begin.Add(time.Duration(c.ended * float64(time.Second)))
			if r.HandledMS != c.handled || !r.Ended.Equal(end) || (r.Row != nil) != c.row {
				t.Errorf("handled %d, ended %v, row %v", r.HandledMS, r.Ended, r.Row)
			}
			if r.Outcome != call.OutcomeInterrupted || r.Cause != call.CauseCrash {
				t.Errorf("%s, %s", r.Outcome, r.Cause)
			}
			same(t, r, Fold(head(), r.Story))
			if len(o.Story) > 0 && o.Story[len(o.Story)-1].Kind == call.KindEnded {
				t.Error("the journal's own story was changed")
			}
		})
	}
}

func TestStoryThatHadEndedIsNotInterrupted(t *testing.T) {
	r := Interrupted(Open{Head: head(), Story: []call.Entry{at(0, call.KindArrived, ""), ends(5, call.OutcomeAbandoned)}})
	if r.Outcome != call.OutcomeAbandoned || len(r.Story) != 2 {
		t.Errorf("%s with %d entries", r.Outcome, len(r.Story))
	}
}

func TestJSONRoundTripKeepsEverything(t *testing.T) {
	e := at(4.000000001, call.KindAnswered, "anna")
	e.Leg, e.Number, e.Code, e.Reason, e.Dialog = "k-a1", "+46", 486, "x", &call.Dialog{CallID: "out", Transport: "udp", Remote: "192.0.2.7:5060"}
	rec := Fold(head(), []call.Entry{at(0, call.KindArrived, ""), e, because(at(9, call.KindMediated, "anna"), call.ByAnnounced), ends(60, call.OutcomeMediated)})
	h := head()
	for _, v := range []any{&h, &rec, &e} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		again := reflect.New(reflect.TypeOf(v).Elem()).Interface()
		if err := json.Unmarshal(text, again); err != nil {
			t.Fatal(err)
		}
		same(t, v, again)
	}
	text, _ := json.Marshal(rec)
	var back Record
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if back.Row == nil || *back.Row != *rec.Row || !back.Story[1].Wall.Equal(e.Wall) || back.Story[1].Since != e.Since || !back.Received.Equal(begin) {
		t.Errorf("lost: %+v", back)
	}
	same(t, rec, Fold(h, back.Story)) // what the journal gives back folds to the same record
}

func TestDialogsAreEachNamedOnce(t *testing.T) {
	d := func(id string) *call.Dialog { return &call.Dialog{CallID: id} }
	o := Open{Head: head(), Story: []call.Entry{{Dialog: d("in2")}, {}, {Dialog: d("out")}, {Dialog: d("out")}, {Dialog: d("")}}}
	var got []string
	for _, d := range Dialogs(o) {
		got = append(got, d.CallID)
	}
	if !reflect.DeepEqual(got, []string{"in", "in2", "out"}) {
		t.Errorf("dialogs %v", got)
	}
}

func TestOnlyACallerWhoWaitsForAnAnswerIsOwedOne(t *testing.T) {
	h := head()
	h.Dialog.Invite = &call.Invite{Via: []string{"SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1"}, CSeq: 1}
	arrived := call.Entry{Kind: call.KindArrived, Dialog: &h.Dialog}
	for _, c := range []struct {
		story []call.Entry
		owed  bool
	}{
		{[]call.Entry{arrived}, true},
		{[]call.Entry{arrived, at(1, call.KindQueued, "")}, true},
		{[]call.Entry{arrived, at(1, call.KindQueued, ""), at(1, call.KindConnected, "")}, false},
	} {
		if got := Dialogs(Open{Head: h, Story: c.story}); len(got) != 1 || (got[0].Invite != nil) != c.owed {
			t.Errorf("%d entries: %+v", len(c.story), got)
		}
	}
	if h.Dialog.Invite == nil {
		t.Error("the journal's own entry was changed")
	}
}
