package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"telefonist/sip/softphone"
)

// phonesRole is the environment variable by which the test's program is told to be the phones of a shift, as JSON.
const phonesRole = "TELEFONIST_PHONES"

// room is all phones of a shift, and its callers'.
type room struct {
	shift
	bell chan *ringing // phones that begin to ring

	mu     sync.Mutex // guards what follows
	calls  map[string]*softphone.Call
	placed int
	taken  int
	served []served
}

// seat is where one phone stands.
type seat struct {
	*room
	number int
	freed  time.Time // when she hung up last, where callers waited then; else zero; guarded by the room's mu
}

// ringing is a phone that rings until it is due.
type ringing struct {
	call     *softphone.Call
	due      time.Time
	answered chan bool
}

// bePhones lives through a shift and writes what the phones saw.
func bePhones(job string) error {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	r := &room{bell: make(chan *ringing, 100), calls: map[string]*softphone.Call{}}
	if err := json.Unmarshal([]byte(job), &r.shift); err != nil {
		return err
	}
	var phones []*softphone.Phone
	defer func() {
		for _, p := range phones {
			_ = p.Close(context.Background())
		}
	}()
	for i := range r.Agents {
		ext, s := fmt.Sprint(201+i), &seat{room: r, number: i}
		p, err := softphone.New(softphone.Config{Server: r.Server, Listen: netip.MustParseAddrPort("127.31.0.3:0"), User: ext,
			Password: "hemligt-" + ext, Expires: 10 * time.Minute, Keep: time.Second, OnCall: s.take})
		if err != nil {
			return err
		}
		phones = append(phones, p)
		if err := p.Register(ctx); err != nil {
			return err
		}
	}
	go r.answerAll(ctx)
	if err := r.callAll(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return json.NewEncoder(os.Stdout).Encode(r.served)
}

// callAll places all calls at their pace and waits until the last has been served.
func (r *room) callAll(ctx context.Context) error {
	pbx, err := softphone.NewPBX(softphone.Config{Server: r.Server, Listen: netip.MustParseAddrPort("127.31.0.2:0"), Keep: time.Second})
	if err != nil {
		return err
	}
	defer pbx.Close(context.Background())
	tick := time.NewTicker(r.Every)
	defer tick.Stop()
	for i := range r.Callers {
		if err := r.place(pbx, fmt.Sprintf("+4670%07d", i)); err != nil {
			return err
		}
		<-tick.C
	}
	for _, c := range r.calls {
		select {
		case <-c.Ended():
		case <-ctx.Done():
			return errors.New("a caller was never served")
		}
	}
	return nil
}

func (r *room) place(pbx *softphone.PBX, from string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, err := pbx.Place(softphone.Invite{To: "+46850000001", From: from})
	if err == nil {
		r.calls[from] = c
		r.placed++
	}
	return err
}

// takes counts a call that the phone has got, and tells who calls.
func (s *seat) takes(c *softphone.Call) (saw served, caller *softphone.Call) {
	saw = served{From: c.Invite().From, Seat: s.number, Invited: c.Trace().Invited}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	if !s.freed.IsZero() {
		saw.Gap = saw.Invited.Sub(s.freed)
	}
	return saw, s.calls[saw.From]
}

// leaves notes that the phone hangs up now, and whether anybody is in line.
func (s *seat) leaves(saw served) {
	s.mu.Lock()
	defer s.mu.Unlock()
	saw.Over = time.Now()
	s.served = append(s.served, saw)
	s.freed = time.Time{}
	if s.placed > s.taken {
		s.freed = saw.Over
	}
}

// inexact is how late a timer of Go's may be.
const inexact = 1500 * time.Microsecond

// answerAll answers each phone when it is due, to some microseconds, on a thread of its own: all ring equally long, and so their answers are as far
// apart as their INVITEs. The last part of a wait is not slept.
func (r *room) answerAll(ctx context.Context) {
	runtime.LockOSThread()
	var rings []*ringing // by when they are due
	for ctx.Err() == nil {
		wait := time.Hour
		if len(rings) > 0 {
			wait = time.Until(rings[0].due)
		}
		if wait <= 0 {
			rings[0].answered <- rings[0].call.Answer() == nil
			rings = rings[1:]
			continue
		}
		select {
		case next := <-r.bell:
			i, _ := slices.BinarySearchFunc(rings, next.due, func(r *ringing, due time.Time) int { return r.due.Compare(due) })
			rings = slices.Insert(rings, i, next)
		case <-ctx.Done():
		case <-time.After(max(0, wait-inexact)):
		}
	}
}

// take answers after ringing, talks and hangs up.
func (s *seat) take(ctx context.Context, c *softphone.Call) {
	saw, caller := s.takes(c)
	c.Ring()
	r := &ringing{c, c.Trace().Invited.Add(s.Ring), make(chan bool, 1)}
	s.bell <- r
	if !<-r.answered {
		return
	}
	if !softphone.Pause(ctx, time.Duration(float64(s.Talk)*(0.7+0.6*rand.Float64()))) {
		return
	}
	saw.Answered, saw.Heard = c.Trace().Answered, caller.Audio().Heard().Marked
	s.leaves(saw)
	c.Hangup()
}
