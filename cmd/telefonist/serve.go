package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"telefonist/app"
	"telefonist/config"
)

func serveCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server until it is told to stop.

SIGHUP   reads the configuration again: trunks, tenants, agents, plans and queue settings; a wrong one changes nothing
SIGTERM  drains: new calls get 503, live ones go on for at most drain_timeout, then they are ended
SIGINT, or a second SIGTERM, ends at once; no record is lost either way`,
		Example: "  telefonist serve --config /etc/telefonist/telefonist.yaml",
		RunE:    func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), file) },
	}
	configFlag(cmd, &file)
	return cmd
}

func serve(ctx context.Context, file string) error {
	cfg, err := loadConfig(file)
	if err != nil {
		return err
	}
	a, err := app.New(cfg, app.Options{Log: os.Stderr})
	if err != nil {
		if errors.As(err, new(config.Errors)) {
			return configError(err)
		}
		return err
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := a.Start(ctx); err != nil {
		return err
	}
	tune(a.AudioThreads())
	return watch(ctx, a, file, signals)
}

// watch obeys signals until the server has stopped.
func watch(ctx context.Context, a *app.App, file string, signals <-chan os.Signal) error {
	now, cancel := context.WithCancel(ctx) // ends when nothing is to be waited for any more
	defer cancel()
	stopped := make(chan error, 1)
	draining := false
	drain := func() {
		if !draining {
			draining = true
			go func() { stopped <- a.Stop(now) }()
		}
	}
	for {
		select {
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP:
				reload(a, file)
			case s == syscall.SIGINT || draining:
				cancel()
				drain()
			default:
				drain()
			}
		case err := <-a.Failed():
			drain()
			cancel()
			if e := <-stopped; e != nil {
				err = errors.Join(err, e)
			}
			return err
		case err := <-stopped:
			return err
		case <-ctx.Done():
			drain()
			ctx = context.Background()
		}
	}
}

func reload(a *app.App, file string) {
	cfg, err := config.Load(file)
	if err == nil {
		err = a.Reload(cfg)
	}
	if err != nil {
		a.Log().Error("configuration not changed", "err", fmt.Sprint(err))
		return
	}
	a.Log().Info("configuration read again", "file", file)
}
