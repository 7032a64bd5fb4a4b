package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"telefonist/call"
	"telefonist/record"
)

func messageOf(n int) record.Message {
	return record.Message{ID: fmt.Sprintf("m%03d", n), Tenant: tenantOf(n), Call: id(n / 2), Channel: record.Email,
		To: record.Recipient{Kind: record.ToPerson, Address: "kim@example.com"}, Text: "Hej", Created: received.Add(time.Duration(n) * time.Minute)}
}

func update(t testing.TB, s *Store, id string, change func(*record.Outgoing) error) error {
	t.Helper()
	done := make(chan error, 1)
	s.UpdateMessage(id, change, func(err error) { done <- err })
	return await(t, done)
}

func mustUpdate(t testing.TB, s *Store, id string, changes ...func(*record.Outgoing) error) {
	t.Helper()
	for _, change := range changes {
		if err := update(t, s, id, change); err != nil {
			t.Fatal(err)
		}
	}
}

func claimed(o *record.Outgoing) error  { return o.Claim(received, "gw") }
func accepted(o *record.Outgoing) error { return o.Accept(received, "gw-"+o.Message.ID) }
func dead(o *record.Outgoing) error     { return o.Fail(received, "http 400", "") }
func requeued(o *record.Outgoing) error { return o.Requeue(received, "cli") }

// pending lists the ids that wait, page by page.
func pending(t testing.TB, s *Store) (all []string) {
	t.Helper()
	after := uint64(0)
	for {
		list, last, err := s.PendingMessages(after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list {
			all = append(all, o.Message.ID)
		}
		if last == after {
			return all
		}
		after = last
	}
}

func listed(t testing.TB, s *Store, f MessageFilter) (all []string) {
	t.Helper()
	if err := s.Messages(t.Context(), f, func(o record.Outgoing) error { all = append(all, o.Message.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestMessagesAreWrittenWithTheEventOfTheirCall(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	head := headOf(0)
	head.Messages = []record.Message{messageOf(0)}
	mustCommit(t, s, head, head) // given twice
	select {
	case <-s.MessagesQueued():
	case <-time.After(deadline):
		t.Fatal("nobody was told")
	}
	final := finalOf(0)
	final.Messages = []record.Message{messageOf(0), messageOf(1)}
	mustCommit(t, s, final)
	late := record.Commit{Call: id(1), Messages: []record.Message{messageOf(2)}} // written while she finishes, after the record
	mustCommit(t, s, finalOf(1), late, late)
	checkAndClose(t, s)
	s = open(t, dir, Options{})
	if got := pending(t, s); !slices.Equal(got, []string{"m000", "m001", "m002"}) {
		t.Errorf("pending %v", got)
	}
	if got := listed(t, s, MessageFilter{Call: id(0)}); !slices.Equal(got, []string{"m000", "m001"}) {
		t.Errorf("of the call %v", got)
	}
}

func TestARefusedCommitQueuesNothing(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	c := entries(5, 0, 1) // of a call without a head
	c.Messages = []record.Message{messageOf(10)}
	wantErr(t, commit(t, s, c), ErrNoJournal)
	if got := pending(t, s); len(got) != 0 {
		t.Errorf("pending %v", got)
	}
}

func TestAMessageThatIsNotValidDoesNotKeepACallFromItsRecord(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	bad, other := messageOf(1), messageOf(0)
	bad.Text, other.Text = "", "another text of the same name"
	c := finalOf(0)
	c.Messages = []record.Message{messageOf(0), bad}
	mustCommit(t, s, c)
	mustCommit(t, s, record.Commit{Call: id(0), Messages: []record.Message{other}})
	if _, err := s.Call(id(0)); err != nil {
		t.Error(err)
	}
	if o, err := s.Message("m000"); err != nil || o.Message.Text != "Hej" {
		t.Errorf("%+v, %v", o, err)
	}
	done := make(chan error, 1)
	s.QueueMessage(bad, func(err error) { done <- err })
	wantErr(t, await(t, done), ErrInvalid)
}

func TestIndexesFollowTheStatesOfAMessage(t *testing.T) {
	s := open(t, t.TempDir(), Options{pageBatch: 2})
	for n := range 8 {
		mustCommit(t, s, record.Commit{Call: id(n / 2), Messages: []record.Message{messageOf(n)}})
	}
	mustUpdate(t, s, "m001", claimed, accepted)
	mustUpdate(t, s, "m002", claimed, dead)
	mustUpdate(t, s, "m004", claimed, dead)
	mustUpdate(t, s, "m003", claimed)
	mustUpdate(t, s, "m004", requeued)
	for _, c := range []struct {
		f    MessageFilter
		want []string
	}{
		{MessageFilter{State: record.MessageFailed}, []string{"m002"}},
		{MessageFilter{State: record.MessageFailed, Tenant: "tenant1"}, nil},
		{MessageFilter{Tenant: "tenant1"}, []string{"m001", "m004", "m007"}},
		{MessageFilter{Tenant: "tenant1", Newest: true, Limit: 2}, []string{"m007", "m004"}},
		{MessageFilter{Tenant: "tenant1", State: record.MessageQueued}, []string{"m004", "m007"}},
		{MessageFilter{From: received.Add(2 * time.Minute), To: received.Add(4 * time.Minute)}, []string{"m002", "m003"}},
		{MessageFilter{Call: id(1), State: record.MessageSending}, []string{"m003"}},
		{MessageFilter{Call: id(1), Newest: true}, []string{"m003", "m002"}},
		{MessageFilter{Call: id(1), Limit: 1}, []string{"m002"}},
		{MessageFilter{After: CursorAtMessage(record.NewOutgoing(messageOf(5)))}, []string{"m006", "m007"}},
	} {
		if got := listed(t, s, c.f); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.f, got, c.want)
		}
	}
	if got := pending(t, s); !slices.Equal(got, []string{"m000", "m003", "m005", "m006", "m007", "m004"}) {
		t.Errorf("pending %v: what is queued again stands last", got)
	}
	if name, err := s.MessageOfGateway("gw", "gw-m001"); err != nil || name != "m001" {
		t.Errorf("%q, %v", name, err)
	}
	_, err := s.MessageOfGateway("gw", "gw-m002")
	wantErr(t, err, record.ErrNoMessage)
	_, err = s.Message("m999")
	wantErr(t, err, record.ErrNoMessage)
	wantErr(t, update(t, s, "m999", claimed), record.ErrNoMessage)
	wantErr(t, update(t, s, "m001", claimed), record.ErrMessageState)
}

func TestAChangeThatFailsWithTheDiskIsMadeAgain(t *testing.T) {
	fails := 0
	s := open(t, t.TempDir(), Options{commitTx: func(tx *bbolt.Tx) error {
		if fails > 0 {
			fails--
			return errDisk
		}
		return tx.Commit()
	}})
	mustCommit(t, s, record.Commit{Call: id(0), Messages: []record.Message{messageOf(0)}})
	fails = 1
	wantErr(t, update(t, s, "m000", claimed), errDisk)
	if o, err := s.Message("m000"); err != nil || o.State != record.MessageQueued {
		t.Errorf("%+v, %v", o, err)
	}
	mustUpdate(t, s, "m000", claimed, accepted)
	if got := pending(t, s); len(got) != 0 {
		t.Errorf("pending %v", got)
	}
}

func TestPruningLeavesWhatWaits(t *testing.T) {
	s := open(t, t.TempDir(), Options{pageBatch: 3})
	for n := range 250 {
		s.QueueMessage(messageOf(n), nil)
		if n%10 != 0 {
			s.UpdateMessage(messageOf(n).ID, claimed, nil)
			s.UpdateMessage(messageOf(n).ID, []func(*record.Outgoing) error{accepted, dead}[n%2], nil)
		}
	}
	mustCommit(t, s, headOf(0)) // behind them
	if _, err := s.PruneMessages(t.Context(), messageOf(240).Created); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, s, MessageFilter{}); len(got) != 24+10 {
		t.Errorf("%d are left", len(got))
	}
	if got := pending(t, s); len(got) != 25 {
		t.Errorf("%d wait", len(got))
	}
	_, err := s.MessageOfGateway("gw", "gw-m002")
	wantErr(t, err, record.ErrNoMessage)
}

func TestCheckFindsMessagesThatIndexesMiss(t *testing.T) {
	s, err := Open(t.TempDir(), Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	mustCommit(t, s, record.Commit{Call: call.ID("c"), Messages: []record.Message{messageOf(0)}})
	if err := s.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
	put(t, s, bucketMessagesPending, seqKey(77), seal(seqKey(77), []byte("m000")))
	if err := s.Check(context.Background()); !errors.Is(err, ErrDamaged) {
		t.Errorf("check: %v", err)
	}
	list, _, err := s.PendingMessages(0, 10)
	if err != nil || len(list) != 2 {
		t.Errorf("%d, %v", len(list), err)
	}
	put(t, s, bucketMessages, []byte("m000"), []byte("broken"))
	if list, last, err := s.PendingMessages(0, 10); !errors.Is(err, ErrDamaged) || len(list) != 0 || last != 77 {
		t.Errorf("%d up to %d, %v", len(list), last, err)
	}
}
