package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"telefonist/app"
	"telefonist/calendar"
	"telefonist/record"
	"telefonist/web"
)

// eventFlags select events and how they are printed.
type eventFlags struct {
	tenant string
	after  uint64
	limit  int
	follow bool
	json   bool
}

func eventsCommand() *cobra.Command {
	var from storeFlags
	var f eventFlags
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Print the stream of events: what happened to calls and receptionists",
		Long: `Print the events of the stream by their numbers: the lines of every call's story, what receptionists did, messages, notes and
alarms. They hold no telephone numbers and no names. Where the server does not run they are read in the store's files; to follow
them it must run. A connection that breaks is taken up again where it was.`,
		Example: "  telefonist events --follow --tenant acme\n  telefonist events --after 120000 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := eventPrinter(cmd.OutOrStdout(), f.json)
			if f.follow {
				return followEvents(cmd.Context(), &from, f, out, cmd.ErrOrStderr())
			}
			return withDirectory(&from, "tenant "+f.tenant, func(c *web.Client) error { return listEvents(cmd.Context(), c, f, out) })
		},
	}
	from.add(cmd)
	cmd.Flags().StringVar(&f.tenant, "tenant", "", "events of this tenant `ID` only")
	cmd.Flags().Uint64Var(&f.after, "after", 0, "events behind this `NUMBER`; 0: from the oldest that is kept")
	cmd.Flags().IntVar(&f.limit, "limit", 0, "at most `N` events; 0 means all")
	cmd.Flags().BoolVar(&f.follow, "follow", false, "go on with new events as they happen")
	cmd.Flags().BoolVar(&f.json, "json", false, "one JSON object a line")
	return cmd
}

// errEnough ends a stream of which enough was read.
var errEnough = errors.New("enough")

func listEvents(ctx context.Context, c *web.Client, f eventFlags, out func(record.StreamEvent) error) error {
	left := f.limit
	for {
		page, err := c.EventPage(ctx, f.tenant, f.after, 1000)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			if err := out(e); err != nil {
				return err
			}
			if left--; left == 0 {
				return nil
			}
		}
		if page.Next >= page.Last {
			return nil
		}
		f.after = page.Next
	}
}

// followEvents follows the stream. Where it breaks, since the server is restarted say, it is taken up again as soon as that answers.
func followEvents(ctx context.Context, from *storeFlags, f eventFlags, out func(record.StreamEvent) error, log io.Writer) error {
	dir, err := from.folder()
	if err != nil {
		return err
	}
	left := f.limit
	for followed := false; ; followed = true {
		c, err := web.Dial(app.SocketPath(dir))
		for followed && err != nil && ctx.Err() == nil {
			pause(ctx, time.Second)
			c, err = web.Dial(app.SocketPath(dir))
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: events are followed only while the server runs", err)
		}
		f.after, err = c.FollowEvents(ctx, f.tenant, f.after, func(e record.StreamEvent) error {
			err := out(e)
			if left--; err == nil && left == 0 {
				return errEnough
			}
			return err
		})
		c.Close()
		switch {
		case errors.Is(err, errEnough), ctx.Err() != nil:
			return nil
		case errors.Is(err, web.ErrNotFound):
			return exit(exitNotFound, fmt.Errorf("no tenant %s", f.tenant))
		case err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !(followed && errors.Is(err, web.ErrNotRunning)):
			return err
		}
		fmt.Fprintf(log, "telefonist: the stream ended after %d, and is taken up again\n", f.after)
		pause(ctx, time.Second)
	}
}

// pause lets some time pass, or ctx end.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// eventPrinter prints events one a line.
func eventPrinter(w io.Writer, asJSON bool) func(record.StreamEvent) error {
	if asJSON {
		enc := json.NewEncoder(w)
		return func(e record.StreamEvent) error { return enc.Encode(e) }
	}
	return func(e record.StreamEvent) error {
		parts := []string{fmt.Sprintf("%d %s %s %s", e.Seq, e.At.In(calendar.Stockholm()).Format("2006-01-02 15:04:05.000"), e.About, e.Kind)}
		code := ""
		if e.Code != 0 {
			code = strconv.Itoa(e.Code)
		}
		for _, f := range []struct{ name, value string }{{"call", string(e.Call)}, {"tenant", e.Tenant}, {"agent", e.Agent}, {"to", e.To},
			{"way", string(e.Way)}, {"reason", e.Reason}, {"code", code}} {
			if f.value != "" {
				parts = append(parts, f.name+"="+dash(f.value))
			}
		}
		_, err := fmt.Fprintln(w, strings.Join(parts, " "))
		return err
	}
}
