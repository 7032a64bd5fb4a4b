package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"telefonist/calendar"
	"telefonist/call"
	"telefonist/config"
	"telefonist/directory"
	"telefonist/exchange"
	"telefonist/record"
	"telefonist/store"
	"telefonist/web"
)

// newV1 puts together what the API needs of the other rooms.
func (a *App) newV1() *web.V1 {
	return &web.V1{
		Store: a.store, Tenants: a.tenants.Load, Calendar: calendar.Calendar{Eves: true}, Tables: tables{}, Live: a.liveCall, Reports: readReports, Events: a.store,
		Log: a.log, Metrics: web.NewV1Metrics(a.reg), Now: time.Now, SetSwitch: a.SetSwitch,
		Site: func() string { return string(a.mail.Load().Web.ExternalURL) },
	}
}

// liveCall asks the switchboard whose call it is.
func (a *App) liveCall(ctx context.Context, id string) (tenant, agent string, ok bool) {
	c, err := a.board.Live(ctx, call.ID(id), "")
	return c.Tenant, c.Agent, err == nil
}

// setTenants notes which numbers were ordered and closed, and makes a directory that of the moment. Where it fails the one before stays.
func (a *App) setTenants(d *directory.Directory) error {
	numbers := map[string]string{}
	for _, t := range d.Tenants() {
		if !t.Disabled {
			numbers[t.Number] = t.ID
		}
	}
	if err := a.store.SyncNumbers(numbers, time.Now()); err != nil {
		return err
	}
	a.tenants.Store(d)
	return nil
}

// observe hears of every entry of every call's story.
func (a *App) observe(h *record.Head, e call.Entry, ended *record.Record) {
	a.lives.called(h.Rules.Number, h.Received)
	if a.finder != nil {
		a.finder.ended(ended)
	}
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

// missedLives notes first calls that a crash kept from being noted: their records are there, and nobody has called yet since the start.
func (a *App) missedLives(ctx context.Context) error {
	all, err := a.store.Lives("")
	if err != nil {
		return err
	}
	found := errors.New("found")
	for _, l := range all {
		if l.Stage() != directory.Ordered {
			continue
		}
		err := a.store.Calls(ctx, store.Filter{Tenant: l.Tenant, From: l.Ordered}, func(r record.Record) error {
			if r.Number != l.Number {
				return nil
			}
			if err := a.store.NumberDelivered(l.Number, r.Received); err != nil {
				return err
			}
			return found
		})
		if err != nil && !errors.Is(err, found) {
			return err
		}
	}
	return nil
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

// readReports lets web read what other systems post.
func readReports(source, contentType string, data []byte) ([]directory.Report, error) {
	all, err := exchange.ReadReports(source, contentType, data)
	if errors.Is(err, exchange.ErrNoSource) {
		return nil, fmt.Errorf("%w: %w", directory.ErrNotFound, err)
	}
	return all, err
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

// OpenDirectory opens the directories of the store in dir: through the running server where one runs, read-only in its files
// where not; what would change them fails with web.ErrReadOnly then.
func OpenDirectory(dir string) (client *web.Client, closing func(), err error) {
	client, err = web.Dial(SocketPath(dir))
	if err == nil {
		return client, client.Close, nil
	}
	s, fileErr := store.OpenReadOnly(dir, store.Options{})
	if errors.Is(fileErr, store.ErrLocked) {
		return nil, nil, fmt.Errorf("a server uses the store in %s but cannot be asked: %w", dir, err)
	}
	if fileErr != nil {
		return nil, nil, fmt.Errorf("open the store in %s: %w", dir, fileErr)
	}
	tenants, err := keptTenants(s)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	api := &web.V1{Store: s, Events: s, Stopped: true, Tenants: func() *directory.Directory { return tenants }, Calendar: calendar.Calendar{Eves: true}, Tables: tables{},
		Live: func(context.Context, string) (string, string, bool) { return "", "", false },
		Log:  slog.New(slog.DiscardHandler), Metrics: web.NewV1Metrics(nil), Now: time.Now}
	mux := http.NewServeMux()
	api.RegisterLocal(mux)
	return web.NewClient(mux), func() { api.Close(); _ = s.Close() }, nil
}

// keptTenants are the tenants as they were provisioned last. What they have from the queue section and from plans is not kept:
// they have the defaults of both.
func keptTenants(s *store.Store) (*directory.Directory, error) {
	state, _, err := provisioned(s)
	if err != nil {
		return nil, err
	}
	dir, err := config.Default().Directory(state)
	if err != nil {
		return nil, err
	}
	switches, err := s.Switches()
	if err != nil {
		return nil, err
	}
	return dir.WithSwitches(switches), nil
}

// tend keeps the store's statistics up to date until the server stops.
func (a *App) tend() {
	run, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.store.Tend(run)
	}()
	a.parts.add("statistics", func(context.Context) error {
		stop()
		<-done
		return nil
	})
}
