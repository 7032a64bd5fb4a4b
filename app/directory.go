package app

import (
	"context"
	"io"
	"log/slog"
	"time"

	"telefonist/calendar"
	"telefonist/call"
	"telefonist/directory"
	"telefonist/exchange"
	"telefonist/record"
	"telefonist/store"
	"telefonist/web"
)

// newV1 puts together what the API needs of the other rooms.
func (a *App) newV1() *web.V1 {
	return &web.V1{
		Store: a.store, Tenants: a.tenants.Load, Calendar: calendar.Calendar{Eves: true}, Tables: tables{}, Live: a.liveCall,
		Log: a.log, Metrics: web.NewV1Metrics(a.reg), Now: time.Now,
	}
}

// liveCall asks the switchboard whose call it is.
func (a *App) liveCall(ctx context.Context, id string) (tenant, agent string, ok bool) {
	s, err := a.board.Snapshot(ctx)
	if err != nil {
		return "", "", false
	}
	for _, c := range s.Calls {
		if c.ID == call.ID(id) {
			return c.Tenant, c.Agent, true
		}
	}
	return "", "", false
}

// setTenants makes a directory that of the moment, and notes which numbers were ordered and closed.
func (a *App) setTenants(d *directory.Directory) error {
	numbers := map[string]string{}
	for _, t := range d.Tenants() {
		if !t.Disabled {
			numbers[t.Number] = t.ID
		}
	}
	a.tenants.Store(d)
	return a.store.SyncNumbers(numbers, time.Now())
}

// observe hears of every entry of every call's story.
func (a *App) observe(h *record.Head, e call.Entry, ended *record.Record) {
	a.lives.called(h.Rules.Number, h.Received)
	if a.opts.Observe != nil {
		a.opts.Observe(h, e, ended)
	}
}

// lives notes the first call on each number. The switchboard never waits for it.
type lives struct {
	seen  map[string]bool // numbers that were handed over; the switchboard's goroutine alone has it
	calls chan firstCall
	done  chan struct{}
}

type firstCall struct {
	number string
	at     time.Time
}

func startLives(s *store.Store, log *slog.Logger) *lives {
	l := &lives{seen: map[string]bool{}, calls: make(chan firstCall, 4096), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for c := range l.calls {
			if err := s.NumberDelivered(c.number, c.at); err != nil {
				log.Error("the first call on a number could not be noted", "number", directory.Mask(c.number), "err", err)
			}
		}
	}()
	return l
}

// called hands a number over once. Where the buffer is full its next call does.
func (l *lives) called(number string, at time.Time) {
	if l.seen[number] {
		return
	}
	select {
	case l.calls <- firstCall{number, at}:
		l.seen[number] = true
	default:
	}
}

// stop writes what was handed over. The switchboard must have ended.
func (l *lives) stop() {
	close(l.calls)
	<-l.done
}

// tables lets web read and write files.
type tables struct{}

func (tables) Read(data []byte) ([]string, []directory.Row, error) { return exchange.Read(data) }

func (tables) WriteCSV(w io.Writer, header []string, rows [][]string) error {
	return exchange.WriteCSV(w, header, rows)
}

func (tables) WriteXLSX(w io.Writer, sheet string, header []string, rows [][]string) error {
	return exchange.WriteXLSX(w, exchange.Sheet{Name: sheet, Header: header, Rows: rows})
}
