package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"telefonist/web"
	"telefonist/web/assets"
	"telefonist/web/console"
	"telefonist/web/portal"
)

func (a *App) startWeb(context.Context) error {
	l, err := net.Listen("tcp", a.cfg.Web.Listen.String())
	if err != nil {
		return err
	}
	a.web = l.Addr()
	l = limit(l)
	srv := a.publicServer(a.withHooks(web.Public(Version(), a, a.reg, a.v1.Register, assets.Register, console.Register, portal.Register)))
	srv.RegisterOnShutdown(a.v1.EndStreams)
	a.serve("web", srv, func() error {
		if tls := a.cfg.Web.TLS; tls.Cert != "" {
			return srv.ServeTLS(l, tls.Cert, tls.Key)
		}
		return srv.Serve(l)
	})
	return nil
}

func (a *App) startAdmin(context.Context) error {
	path := SocketPath(a.cfg.Store.Dir)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // the store's lock is ours, so nobody else listens there
	}
	l, err := listenPrivate(path)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	a.v1.RegisterLocal(mux)
	mux.Handle("/", web.Admin(Version(), stored{a.store}, a.board, web.MessageRoutes(outboxOf{stored{a.store}, a.outbox})))
	srv := a.httpServer(mux)
	srv.RegisterOnShutdown(a.v1.EndStreams)
	a.serve("admin socket", srv, func() error { return srv.Serve(l) })
	return nil
}

// listenPrivate makes a socket that only this user can open: it is bound inside the store's folder, which is private,
// and its mode says so too.
func listenPrivate(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// httpServer is slow to nobody's harm. What it has to say of single connections is for debugging: a stranger could fill
// the log with it.
func (a *App) httpServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
}

// answerFor is how long an answer to the outside may take from the end of the request's header: reading the largest file, and sending what
// was made of it. Streams of events have deadlines of their own.
const answerFor = 5 * time.Minute

// publicServer cuts off who reads an answer too slowly: it is in memory for as long.
func (a *App) publicServer(h http.Handler) *http.Server {
	srv := a.httpServer(h)
	srv.WriteTimeout = answerFor
	return srv
}

// serve runs an HTTP server until it is stopped.
func (a *App) serve(name string, srv *http.Server, run func() error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("%s: %w", name, err)
		}
	}()
	a.parts.add(name, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		err := srv.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = srv.Close()
		}
		<-done
		return err
	})
}
