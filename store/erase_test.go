package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/calendar"
	"telefonist/call"
	"telefonist/directory"
	"telefonist/record"
	"telefonist/tariff"
)

const (
	zebra       = "Zebrafinkström"
	zebraMail   = "zebra@acme.example"
	zebraMobile = "+46701999888"
)

// traces are the bytes that must be gone: every one is of the person alone.
var zebraTraces = []string{zebra, "Zebra Fågel", zebraMail, zebraMobile, "070-199 98 88", "hemorrojder"}

// zebraStore is a store in which one person has left traces wherever somebody can.
func zebraStore(t *testing.T, dir string) *Store {
	s := open(t, dir, Options{})
	doc := func(p directory.Person) json.RawMessage {
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	p := directory.Person{ExternalID: "x-" + zebra, GivenName: "Zebra", FamilyName: "Fågel", Email: zebraMail, SMS: zebraMobile,
		Numbers: []directory.Phone{{Kind: directory.PhoneExtension, Number: "205"}, {Kind: directory.PhoneMobile, Number: zebraMobile}, {Kind: directory.PhoneDirect, Number: "+46850000055"}}}
	other := directory.Person{GivenName: "Bo", FamilyName: "Ek", Notes: "Vikarie för Zebra Fågel", Substitutes: []string{"a", "c"},
		Numbers: []directory.Phone{{Kind: directory.PhoneDirect, Number: "+46850000055"}}}
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", doc(p), directory.NoVersion), edit(directory.KindPerson, "b", doc(other), directory.NoVersion),
		edit(directory.KindPerson, "c", doc(directory.Person{FamilyName: "Alm"}), directory.NoVersion),
		edit(directory.KindReferral, "a/1", []byte(`{"code":"sjuk","note":"hemorrojder"}`), directory.NoVersion),
		edit(directory.KindNotice, "n", []byte(`{"text":"Zebra Fågels tårta"}`), directory.NoVersion))
	mustEdit(t, s, "acme", edit(directory.KindNotice, "n", []byte(`{"text":"Ingen tårta"}`), directory.AnyVersion))
	p.FamilyName, p.GivenName = zebra, "Zebra"
	other.Title = "Säljare"
	in := directory.PeopleImport{Upserts: map[string]json.RawMessage{"a": doc(p), "b": doc(other)}, By: tester, At: received}
	if _, err := s.ImportPeople(t.Context(), "acme", in); err != nil {
		t.Fatal(err)
	}
	other.Notes = ""
	mustEdit(t, s, "acme", edit(directory.KindPerson, "b", doc(other), directory.AnyVersion))

	for n, party := range []record.Parties{{Caller: "+46700000001", Target: "205"}, {Caller: zebraMobile, CallerName: "Zebra " + zebra, Target: "206"}, {Caller: "+46700000002", Target: "+46850000055"}} {
		at := received.Add(time.Duration(n) * time.Second)
		r := &record.Record{Call: id(n), Tenant: "acme", Number: "+46850000001", Received: at, Ended: at.Add(time.Minute), HandledMS: 20_000,
			Row: &tariff.Row{Tariff: tariff.Tariffs{1}, Period: calendar.Day}, Parties: party, Story: []call.Entry{{Wall: at, Kind: call.KindQueued, Number: party.Target,
				Dialog: &call.Dialog{RemoteURI: "sip:" + party.Target + "@pbx"}}}}
		r.Parties.SIPCall = fmt.Sprintf("call-%d", n)
		head := headOf(n)
		head.Head.Rules.Tenant, head.Head.Caller = "acme", call.Party{Number: party.Caller}
		mustCommit(t, s, head, record.Commit{Call: id(n), Final: r})
	}
	for i, m := range []record.Message{{To: record.Recipient{Address: zebraMail}, Text: "Ring"}, {To: record.Recipient{Address: "bo@acme.example"}, Text: "Zebra " + zebra + " söker dig, 070-199 98 88"},
		{To: record.Recipient{Address: "bo@acme.example"}, Text: "Någon söker dig"}} {
		m.ID, m.Tenant, m.Channel, m.Created = fmt.Sprintf("m%d", i), "acme", record.Email, received
		done := make(chan error, 1)
		s.QueueMessage(m, func(err error) { done <- err })
		if err := await(t, done); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// left lists the traces in the files of a store, backups apart.
func left(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, file := range []string{callsFile, directoryFile} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, trace := range zebraTraces {
			if n := bytes.Count(text, []byte(trace)); n > 0 {
				all = append(all, fmt.Sprintf("%s: %d × %s", file, n, trace))
			}
		}
	}
	return all
}

func TestErasureLeavesNoTraceInTheFiles(t *testing.T) {
	dir := t.TempDir()
	s := zebraStore(t, dir)
	if len(left(t, dir)) < len(zebraTraces) {
		t.Fatalf("before: %q", left(t, dir))
	}
	plan, err := s.Erase(t.Context(), "acme", "a", received, directory.Erase{By: tester, DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Item("acme", directory.KindPerson, "a"); err != nil {
		t.Errorf("a dry run erased: %v", err)
	}
	done, err := s.Erase(t.Context(), "acme", "a", received, directory.Erase{By: tester})
	if err != nil {
		t.Fatal(err)
	}
	want := directory.Erasure{Person: "a", Referrals: 1, Versions: 3, Substitutes: 1, Masked: 5, Calls: 2, Messages: 1, About: 1, Mentions: []directory.Mention{}}
	if !equalJSON(t, done, want) {
		t.Errorf("erased %+v, want %+v", done, want)
	}
	if want.DryRun = true; !equalJSON(t, plan, want) {
		t.Errorf("planned %+v, want %+v", plan, want)
	}
	if all := left(t, dir); len(all) > 0 { // while the store is open, at once
		t.Errorf("still in the files: %q", all)
	}

	_, err = s.Erase(t.Context(), "acme", "nobody", received, directory.Erase{By: tester})
	wantErr(t, err, directory.ErrNotFound)
	h, err := s.History("acme", directory.KindPerson, "a")
	if err != nil || len(h) != 3 || !h[0].Erased || h[0].New != nil || h[2].Action != directory.ActionErase || h[2].By != tester {
		t.Errorf("history %+v, %v", h, err)
	}
	b, err := s.Item("acme", directory.KindPerson, "b")
	if err != nil || strings.Contains(string(b.Doc), `"a"`) || !strings.Contains(string(b.Doc), `"c"`) {
		t.Errorf("%s, %v", b.Doc, err)
	}
	h, err = s.History("acme", directory.KindNotice, "n")
	if err != nil || !strings.Contains(string(h[0].New), directory.Masked) || !strings.Contains(string(h[1].New), "Ingen tårta") {
		t.Errorf("history of the notice %+v, %v", h, err)
	}
	for n, want := range []record.Parties{{Caller: "+46700000001"}, {Target: "206"}, {Caller: "+46700000002", Target: "+46850000055", SIPCall: "call-2"}} {
		r, err := s.Call(id(n))
		if r.Parties.CallerName == "Zebra "+directory.Masked || r.Parties.CallerName == directory.Masked {
			r.Parties.CallerName = ""
		}
		if err != nil || !equalJSON(t, r.Parties, want) || r.Row == nil || r.HandledMS != 20_000 {
			t.Errorf("call %d: %+v, %v, want %+v", n, r, err, want)
		}
	}
	_, err = s.Message("m0")
	wantErr(t, err, record.ErrNoMessage)
	for id, want := range map[string]string{"m1": directory.Masked + " söker dig, " + directory.Masked, "m2": "Någon söker dig"} {
		if m, err := s.Message(id); err != nil || m.Message.Text != want {
			t.Errorf("message %s: %+v, %v", id, m, err)
		}
	}
	if list, _, err := s.PendingMessages(0, 10); err != nil || len(list) != 2 {
		t.Errorf("pending: %+v, %v", list, err)
	}
}

func TestErasureThatACrashEndsIsFinishedWhenTheStoreIsOpened(t *testing.T) {
	dir := t.TempDir()
	s := zebraStore(t, dir)
	x := &eraser{s: s, tenant: "acme", id: "a", at: received, e: directory.Erase{By: tester}}
	for _, step := range []func() error{x.recognise, func() error { return x.mentions(t.Context()) }, func() error { return x.earlier(t.Context()) }, s.markScrub,
		func() error { return x.fromCalls(t.Context()) }, func() error { return x.fromMessages(t.Context()) },
		func() error { return s.updateTenant("acme", x.fromDirectory) }} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if len(left(t, dir)) == 0 {
		t.Fatal("bbolt has overwritten everything by itself: the test shows nothing")
	}
	checkAndClose(t, s)
	open(t, dir, Options{})
	if all := left(t, dir); len(all) > 0 {
		t.Errorf("still in the files: %q", all)
	}
}

func TestErasureWaitsForReadersAndLetsWritersThrough(t *testing.T) {
	dir := t.TempDir()
	s := zebraStore(t, dir)
	reading, release := make(chan struct{}), make(chan struct{})
	read := make(chan error, 1)
	go func() {
		read <- s.view(s.directory, "slow", func(tx *bbolt.Tx) error {
			close(reading)
			<-release
			return s.view(s.directory, "again", func(tx *bbolt.Tx) error { return nil })
		})
	}()
	<-reading
	erased := make(chan error, 1)
	go func() {
		_, err := s.Erase(context.Background(), "acme", "a", received, directory.Erase{By: tester})
		erased <- err
	}()
	for n := range 20 { // the reader's old state is in use: others write on
		mustEdit(t, s, "acme", edit(directory.KindNotice, fmt.Sprint("w", n), []byte(`{"text":"x"}`), directory.NoVersion))
		mustCommit(t, s, headOf(100+n))
	}
	close(release)
	if err := await(t, read); err != nil {
		t.Fatal(err)
	}
	if err := await(t, erased); err != nil {
		t.Fatal(err)
	}
	if all := left(t, dir); len(all) > 0 {
		t.Errorf("still in the files: %q", all)
	}
}

func TestNobodyIsErasedDuringACallOfTheirs(t *testing.T) {
	s := zebraStore(t, t.TempDir())
	live := headOf(7)
	live.Head.Rules.Tenant, live.Head.Caller.Number = "acme", zebraMobile
	mustCommit(t, s, live)
	_, err := s.Erase(t.Context(), "acme", "a", received, directory.Erase{By: tester})
	wantErr(t, err, directory.ErrOnCall)
	if plan, err := s.Erase(t.Context(), "acme", "a", received, directory.Erase{By: tester, DryRun: true}); err != nil || plan.Calls != 2 {
		t.Errorf("%+v, %v", plan, err)
	}
}

func TestNobodyIsErasedWhoIsToBeCalledBack(t *testing.T) {
	s := zebraStore(t, t.TempDir())
	for n, who := range []call.Party{{Number: zebraMobile}, {Number: "+46700000009", Name: "Zebra\u00a0" + zebra}} {
		wish := record.Wish{Head: *headOf(7).Head, From: string(id(6))}
		wish.Head.Rules.Tenant, wish.Head.Caller = "acme", who
		kept := record.Kept{Kind: record.KeptWish, ID: string(wish.Head.Call), Doc: mustJSON(t, wish)}
		mustCommit(t, s, record.Commit{Kept: []record.Kept{kept}})
		_, err := s.Erase(t.Context(), "acme", "a", received, directory.Erase{By: tester})
		if !errors.Is(err, directory.ErrOnCall) {
			t.Errorf("wish %d: %v", n, err)
		}
		kept.Doc = nil
		mustCommit(t, s, record.Commit{Kept: []record.Kept{kept}})
	}
	if _, err := s.Erase(t.Context(), "acme", "a", received, directory.Erase{By: tester}); err != nil {
		t.Error(err)
	}
}

// during is a context whose holder is interrupted once, when what it does has come so far.
type during struct {
	context.Context
	soFar func() bool
	do    func()
}

func (d *during) Err() error {
	if d.do != nil && d.soFar() {
		do := d.do
		d.do = nil
		do()
	}
	return d.Context.Err()
}

// What begins or ends while the calls are masked is no trace either, however late it is.
func TestAnErasureMasksWhatHappensMeanwhile(t *testing.T) {
	masked := func(s *Store) func() bool {
		return func() bool {
			r, err := s.Call(id(1)) // the last one in which the person is
			return err == nil && r.Parties.Caller == ""
		}
	}
	head := func(n int, caller string) record.Commit {
		c := headOf(n)
		c.Head.Rules.Tenant, c.Head.Caller.Number = "acme", caller
		return c
	}
	final := func(n int) record.Commit {
		c := finalOf(n)
		c.Final.Tenant, c.Final.Parties = "acme", record.Parties{Caller: "+46700000009", Target: zebraMobile}
		return c
	}
	t.Run("a call that goes on", func(t *testing.T) {
		dir := t.TempDir()
		s := zebraStore(t, dir)
		_, err := s.Erase(&during{t.Context(), masked(s), func() { mustCommit(t, s, head(7, zebraMobile)) }}, "acme", "a", received, directory.Erase{By: tester})
		wantErr(t, err, directory.ErrOnCall)
		mustCommit(t, s, final(7))
		if done, err := s.Erase(t.Context(), "acme", "a", received, directory.Erase{By: tester}); err != nil || done.Calls != 1 {
			t.Errorf("asked again: %+v, %v", done, err)
		}
		if all := left(t, dir); len(all) > 0 {
			t.Errorf("still in the files: %q", all)
		}
	})
	t.Run("a call that comes to the person and ends", func(t *testing.T) {
		dir := t.TempDir()
		s := zebraStore(t, dir)
		mustCommit(t, s, head(7, "+46700000009"))
		at := received.Add(time.Hour) // later than the call came
		done, err := s.Erase(&during{t.Context(), masked(s), func() { mustCommit(t, s, final(7)) }}, "acme", "a", at, directory.Erase{By: tester})
		if err != nil || done.Calls != 3 {
			t.Errorf("%+v, %v", done, err)
		}
		if all := left(t, dir); len(all) > 0 {
			t.Errorf("still in the files: %q", all)
		}
	})
}

// Somebody heeds what the dry run told, and rewords a text while the erasure is at the calls.
func TestAnErasureMasksWhatIsRewordedMeanwhile(t *testing.T) {
	s := zebraStore(t, t.TempDir())
	mustEdit(t, s, "acme", edit(directory.KindQuestion, "q", []byte(`{"answer":"Zebra Fågel"}`), directory.NoVersion))
	masked := func() bool { r, err := s.Call(id(1)); return err == nil && r.Parties.Caller == "" }
	reword := func() {
		mustEdit(t, s, "acme", edit(directory.KindQuestion, "q", []byte(`{"answer":"Bo"}`), directory.AnyVersion))
	}
	done, err := s.Erase(&during{t.Context(), masked, reword}, "acme", "a", received, directory.Erase{By: tester})
	h, _ := s.History("acme", directory.KindQuestion, "q")
	if err != nil || len(done.Mentions) != 0 || len(h) != 2 || strings.Contains(string(h[0].New)+string(h[1].Old), "Zebra") {
		t.Errorf("%+v, %v: %+v", done, err, h)
	}
}

func TestAnErasureOfSomebodyWhoWasDeletedTakesThemOutOfOthersSubstitutes(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	mustEdit(t, s, "acme", edit(directory.KindPerson, "a", substitute("a"), directory.NoVersion), edit(directory.KindPerson, "b", substitute("b", "a"), directory.NoVersion))
	if err := s.updateTenant("acme", func(t *tenantTx) error { return t.remove(directory.KindPerson, "a") }); err != nil { // as earlier versions deleted
		t.Fatal(err)
	}
	done, err := s.Erase(t.Context(), "acme", "a", received, directory.Erase{By: tester})
	if it, _ := s.Item("acme", directory.KindPerson, "b"); err != nil || done.Substitutes != 1 || string(it.Doc) != string(substitute("b")) {
		t.Errorf("%+v, %v: %s", done, err, it.Doc)
	}
}

func TestWhatMentionsThePersonStaysAndIsTold(t *testing.T) {
	dir := t.TempDir()
	s := zebraStore(t, dir)
	mustEdit(t, s, "acme", edit(directory.KindQuestion, "q", []byte(`{"question":"Vem?","answer":"Zebra Fågel"}`), directory.NoVersion))
	done, err := s.Erase(t.Context(), "acme", "a", received, directory.Erase{By: tester})
	if err != nil || len(done.Mentions) != 1 || done.Mentions[0] != (directory.Mention{Kind: directory.KindQuestion, ID: "q"}) {
		t.Errorf("%+v, %v", done, err)
	}
	if it, err := s.Item("acme", directory.KindQuestion, "q"); err != nil || !strings.Contains(string(it.Doc), "Zebra Fågel") {
		t.Errorf("%s, %v", it.Doc, err)
	}
}
