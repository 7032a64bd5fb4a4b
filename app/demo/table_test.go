package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"telefonist/call"
	"telefonist/record"
	"telefonist/tariff"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// story is a call that is missed once, answered, overruns and ends, with what Observe would be told.
func story() (*record.Head, []call.Entry, *record.Record) {
	h := &record.Head{Call: "c1", Received: noon, Caller: call.Party{Number: "+46701740605"},
		Rules: call.Rules{Display: "Acme · Försäljning"}}
	at := func(d time.Duration, e call.Entry) call.Entry {
		e.Wall, e.Since = noon.Add(d), d
		return e
	}
	entries := []call.Entry{
		at(0, call.Entry{Kind: call.KindArrived}),
		at(time.Millisecond, call.Entry{Kind: call.KindQueued}),
		at(2*time.Millisecond, call.Entry{Kind: call.KindConnected}),
		at(time.Second, call.Entry{Kind: call.KindOffered, Agent: "anna"}),
		at(4*time.Second, call.Entry{Kind: call.KindMissed, Agent: "anna"}),
		at(4*time.Second, call.Entry{Kind: call.KindOffered, Agent: "bosse"}),
		at(5*time.Second, call.Entry{Kind: call.KindAnswered, Agent: "bosse"}),
		at(9*time.Second, call.Entry{Kind: call.KindOverran, Agent: "bosse"}),
		at(10*time.Second, call.Entry{Kind: call.KindLeft, Agent: "bosse"}),
		at(10*time.Second, call.Entry{Kind: call.KindEnded}),
	}
	return h, entries, &record.Record{Call: "c1", Tenant: "acme", Outcome: call.OutcomeAnswered, WaitedMS: 5000, HandledMS: 5000,
		Parties: record.Parties{Agents: []string{"bosse"}},
		Row:     &tariff.Row{Tariff: tariff.Tariffs{tariff.AnsweredDay}, AmountOre: 1500, Over45: true}}
}

func observed(t *testing.T, terminal bool) string {
	t.Helper()
	var out bytes.Buffer
	table := newTable(&out, terminal)
	h, entries, ended := story()
	for i, e := range entries {
		if i < len(entries)-1 {
			table.Observe(h, e, nil)
		} else {
			table.Observe(h, e, ended)
		}
	}
	table.Happened(Happening{At: noon, No: 2, Caller: "+46701740606", Called: nobodys, What: "refused with 404 Not Found"})
	table.Close()
	return out.String()
}

func TestWithoutATerminalEveryEventIsOnePlainLine(t *testing.T) {
	got := observed(t, false)
	want := `time          call  answered for                      caller         state                   agent            waited  handled  tariff      amount
12:00:00.000     1  Acme · Försäljning                +46701740605   arrived                                     0.0
12:00:00.001     1  Acme · Försäljning                +46701740605   queued                                      0.0
12:00:01.000     1  Acme · Försäljning                +46701740605   offered                 anna                1.0
12:00:04.000     1  Acme · Försäljning                +46701740605   missed by anna                              4.0
12:00:04.000     1  Acme · Försäljning                +46701740605   offered                 bosse               4.0
12:00:05.000     1  Acme · Försäljning                +46701740605   answered                bosse               5.0      0.0
12:00:09.000     1  Acme · Försäljning                +46701740605   overran                 bosse               5.0     4.0!
12:00:10.000     1  Acme · Försäljning                +46701740605   ended: answered         bosse               5.0     5.0!       1    15,00 kr
12:00:00.000        +46701740606 calls +46850000099: refused with 404 Not Found
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestOnATerminalWhatHasEndedStaysAndNothingElse(t *testing.T) {
	got := observed(t, true)
	if !strings.Contains(got, "\x1b[31m") || !strings.Contains(got, "ended: answered") {
		t.Errorf("no colour or no end in:\n%q", got)
	}
	last := got[strings.LastIndex(got, "\x1b[0J")+1:]
	if strings.Contains(last, "overran") {
		t.Errorf("a line that moved on is still there:\n%q", last)
	}
}

func TestTheSummaryAddsUpByTenantAndTariff(t *testing.T) {
	row := func(tenant string, class tariff.Tariff, ore int64, over bool) record.Record {
		return record.Record{Tenant: tenant, Outcome: call.OutcomeAnswered,
			Row: &tariff.Row{Tariff: tariff.Tariffs{class}, AmountOre: ore, Over45: over}}
	}
	var out bytes.Buffer
	err := Summary{
		Records: []record.Record{
			row("acme", tariff.AnsweredDay, 1500, false), row("acme", tariff.AnsweredDay, 1500, true), row("acme", tariff.LongDay, 4500, true),
			row("eken", tariff.MediatedEvening, 3750, false), {Tenant: "eken", Outcome: call.OutcomeAbandoned},
		},
		Names: map[string]string{"acme": "Acme AB"}, Stored: "/data/calls.db",
	}.Write(&out)
	if err != nil {
		t.Fatal(err)
	}
	want := `
tenant   calls  rows  tariff 1  tariff 2  tariff 3  tariff 4  tariff 5  tariff 6  over included     amount
Acme AB      3     3         2         0         0         0         1         0              2   75,00 kr
eken         2     1         0         0         0         1         0         0              0   37,50 kr
all          5     4         2         0         0         1         1         0              2  112,50 kr

calls: 4 answered, 1 abandoned
kept in /data/calls.db
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}
