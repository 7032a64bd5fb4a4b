package flows

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"telefonist/call"
	"telefonist/config"
	"telefonist/directory"
	"telefonist/internal/memnet"
	"telefonist/record"
	"telefonist/sip"
	"telefonist/sip/softphone"
	"telefonist/store"
	"telefonist/switchboard"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a server with its phones and its PBX.
type stage struct {
	t      *testing.T
	ctx    context.Context
	net    *memnet.Network
	cfg    *config.Config
	now    atomic.Pointer[directory.Directory]
	store  *store.Store
	board  *switchboard.Board
	sip    *sip.Server
	sound  *sound
	said   *transcript
	gates  *gates
	phones map[string]*softphone.Phone
	pbx    *softphone.PBX
	quiet  *slog.Logger
	stop   context.CancelFunc
	loops  sync.WaitGroup
	folded int    // records that were looked at
	edited string // the provisioning file that is read in the middle of the call; empty: none is
	// willing has whoever is called answer, and hang up soon after, without being told.
	willing atomic.Bool

	mu    sync.Mutex // protects what follows
	live  map[string][]*softphone.Call
	wrong []string
}

// monday is when every scenario begins: Monday 3 January 2000, 09:00 in Stockholm.
var monday = time.Date(2000, 1, 3, 8, 0, 0, 0, time.UTC)

// play runs a scenario in virtual time, checks what must hold after every call, and returns the transcript.
func play(t *testing.T, tenants string, scenario func(s *stage)) (text string) {
	t.Helper()
	return playEdited(t, tenants, "", scenario)
}

// playEdited is play with another provisioning file read in the middle of a call, see talks.
func playEdited(t *testing.T, tenants, edited string, scenario func(s *stage)) (text string) {
	t.Helper()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(monday.Add(-time.Minute)))
		s := &stage{t: t, net: memnet.New(), said: newTranscript(), gates: &gates{}, phones: map[string]*softphone.Phone{}, live: map[string][]*softphone.Call{},
			quiet: slog.New(slog.DiscardHandler), edited: edited}
		s.ctx, s.stop = context.WithCancel(t.Context())
		s.open(folder, tenants)
		s.openPhones()
		time.Sleep(time.Until(monday))
		s.said.begin()
		defer s.close()
		scenario(s)
		s.after(10 * time.Second)
		text = s.said.print() + s.records()
		s.empty()
	})
	return text
}

// after lets time pass and everything settle.
func (s *stage) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *stage) fault(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, what)
}

// observe replays every story that ends: it must fold to the record that was made of it.
func (s *stage) observe(h *record.Head, _ call.Entry, ended *record.Record) {
	if ended == nil {
		return
	}
	again := record.Fold(*h, ended.Story)
	again.Media = ended.Media
	if a, b := plain(again), plain(*ended); a != b {
		s.fault("the story replays to " + a + ", the record is " + b)
	}
	s.folded++
}

func plain(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// empty checks that nothing is left: no call at the switchboard, at a phone or in the journal, and no agent in one.
func (s *stage) empty() {
	now, err := s.board.Snapshot(s.ctx)
	if err != nil || len(now.Calls)+now.Waiting+now.Stuck+len(now.Parked)+len(now.Wishes) != 0 {
		s.t.Errorf("left: %s, %v", plain(now), err)
	}
	for _, a := range now.Agents {
		if a.Call != "" {
			s.t.Errorf("%s is %s in %s", a.ID, a.State, a.Call)
		}
	}
	for who, calls := range s.live {
		for _, c := range calls {
			select {
			case <-c.Ended():
			default:
				s.t.Errorf("a call of %s goes on", who)
			}
		}
	}
	if open, err := s.store.Recover(); len(open) != 0 || err != nil {
		s.t.Errorf("%d calls are left in the journal, %v", len(open), err)
	}
	if n := len(s.all()); n != s.folded && !s.gates.ever { // a call that could not even begin leaves nothing
		s.t.Errorf("%d records on disk, %d calls ended", n, s.folded)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.wrong {
		s.t.Error(w)
	}
}

// all are the records on disk.
func (s *stage) all() (all []record.Record) {
	err := s.store.Calls(s.ctx, store.Filter{}, func(r record.Record) error {
		all = append(all, r)
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	return all
}

func (s *stage) close() {
	if s.t.Failed() {
		s.t.Log("\n" + s.said.print())
	}
	for _, p := range s.phones {
		_ = p.Close(s.ctx) // an agent who was taken out cannot even unregister
	}
	if err := s.pbx.Close(s.ctx); err != nil {
		s.t.Error(err)
	}
	if err := s.sip.Close(s.ctx); err != nil {
		s.t.Error(err)
	}
	s.stop()
	s.loops.Wait()
	time.Sleep(time.Second) // the store answers what stands beside calls
	if n := s.sound.open(); n != 0 {
		s.t.Errorf("%d sessions of audio are left", n)
	}
	if err := s.store.Close(); err != nil {
		s.t.Error(err)
	}
}
