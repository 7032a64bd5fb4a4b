package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"telefonist/app"
	"telefonist/billing"
	"telefonist/calendar"
	"telefonist/call"
	"telefonist/record"
	"telefonist/tariff"
	"telefonist/web"
)

// storeFlags says where the calls are: in the store of a configuration, or in a folder.
type storeFlags struct {
	config string
	dir    string
}

func (f *storeFlags) add(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVarP(&f.config, "config", "c", configDefault, "configuration `FILE` that names the store")
	cmd.PersistentFlags().StringVar(&f.dir, "store", "", "the store's `DIR`, in place of a configuration")
}

func (f *storeFlags) folder() (string, error) {
	if f.dir != "" {
		return f.dir, nil
	}
	cfg, err := loadConfig(f.config)
	if err != nil {
		return "", err
	}
	return cfg.Store.Dir, nil
}

// reader opens the calls: through the running server, or in the files where none runs.
func (f *storeFlags) reader() (app.Reader, error) {
	dir, err := f.folder()
	if err != nil {
		return nil, err
	}
	return app.OpenReader(dir)
}

// period is a selection of calls as flags.
type period struct {
	tenant, from, to string
	limit            int
}

func (p *period) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.tenant, "tenant", "", "calls of this tenant `ID` only")
	cmd.Flags().StringVar(&p.from, "from", "", "received at or after this `TIME`: 2026-11-23, 2026-11-23T07:00 or RFC 3339")
	cmd.Flags().StringVar(&p.to, "to", "", "received before this `TIME`; a date alone includes that day")
	cmd.Flags().IntVar(&p.limit, "limit", 0, "at most `N` calls; 0 means all")
}

func (p *period) query() (web.Query, error) {
	q := web.Query{Tenant: p.tenant, Limit: p.limit}
	var err error
	if q.From, err = parseTime("--from", p.from, false); err != nil {
		return q, exit(exitUsage, err)
	}
	if q.To, err = parseTime("--to", p.to, true); err != nil {
		return q, exit(exitUsage, err)
	}
	if p.limit < 0 {
		return q, exit(exitUsage, errors.New("--limit must not be negative"))
	}
	return q, nil
}

// parseTime reads a time in Europe/Stockholm where it names no offset. A date that ends a period includes its day.
func parseTime(flag, s string, end bool) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, s, calendar.Stockholm()); err == nil {
			return t, nil
		}
	}
	t, err := time.ParseInLocation(time.DateOnly, s, calendar.Stockholm())
	if err != nil {
		return t, fmt.Errorf("%s %q is not a time: write 2026-11-23, 2026-11-23T07:00 or 2026-11-23T07:00:00+01:00", flag, s)
	}
	if end {
		t = t.AddDate(0, 0, 1)
	}
	return t, nil
}

func callsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "calls",
		Short: "List, show and export call records",
		Long: `Read call records: through the running server where one runs (its administration socket in the store's folder), in
the store's files where not.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var from storeFlags
	from.add(cmd)
	cmd.AddCommand(callsList(&from), callsShow(&from), callsExport(&from))
	return cmd
}

func callsList(from *storeFlags) *cobra.Command {
	var p period
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List calls, one a line",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return eachCall(cmd, from, &p, func(w io.Writer) (billing.Exporter, error) { return newList(w), nil })
		},
	}
	p.add(cmd)
	return cmd
}

func callsExport(from *storeFlags) *cobra.Command {
	var p period
	var format string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Export calls as CSV or JSON",
		Long: `Export calls to standard output, one line or object for each call record. Columns:
call_id,tenant,number,common_number,caller,agent,received_at,answered_at,ended_at,waited_ms,handled_ms,outcome,
mediated,tariff,period,over_45s,amount_ore,plan,corrects

Times are RFC 3339 with milliseconds and offset. tariff is empty where no receptionist of the service answered.`,
		Example: "  telefonist calls export --format csv --tenant acme --from 2026-11-01 --to 2026-11-30 > november.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := billing.NewExporter(format, io.Discard); err != nil {
				return exit(exitUsage, err)
			}
			return eachCall(cmd, from, &p, func(w io.Writer) (billing.Exporter, error) { return billing.NewExporter(format, w) })
		},
	}
	p.add(cmd)
	cmd.Flags().StringVar(&format, "format", "csv", "csv or json")
	return cmd
}

func eachCall(cmd *cobra.Command, from *storeFlags, p *period, to func(io.Writer) (billing.Exporter, error)) error {
	q, err := p.query()
	if err != nil {
		return err
	}
	r, err := from.reader()
	if err != nil {
		return err
	}
	defer r.Close()
	out, err := to(cmd.OutOrStdout())
	if err != nil {
		return err
	}
	if err := r.Calls(cmd.Context(), q, out.Write); err != nil {
		return err
	}
	return out.Close()
}

func callsShow(from *storeFlags) *cobra.Command {
	var replay bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Print one call's story and what it is charged",
		Long: `Print one call's story line by line, with the seconds since it arrived and the time of the clock, and what it is charged; of a call
that is live, so far.

With --replay the story is folded again, and it is said whether the record and its row come out as they stand; where not, the exit
code is 1. What the call cost is compared where the configuration still has the row's version of the plan.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := from.reader()
			if err != nil {
				return err
			}
			defer r.Close()
			rec, err := r.Call(call.ID(args[0]))
			if server, running := r.(*web.Client); running && errors.Is(err, web.ErrNotFound) {
				rec, err = server.LiveStory(cmd.Context(), call.ID(args[0]))
			}
			if errors.Is(err, web.ErrNotFound) {
				return exit(exitNotFound, fmt.Errorf("no call %s", args[0]))
			}
			if err != nil {
				return err
			}
			if err := billing.WriteStory(cmd.OutOrStdout(), rec); err != nil {
				return err
			}
			if replay && rec.Outcome == "" {
				return fmt.Errorf("call %s is under way: it can be replayed when it has ended", rec.Call)
			}
			if err := writeCallMessages(cmd, r, rec.Call); err != nil || !replay {
				return err
			}
			return replayCall(cmd.OutOrStdout(), from, rec)
		},
	}
	cmd.Flags().BoolVar(&replay, "replay", false, "fold the story again, and say whether it gives the same row")
	return cmd
}

// replayCall says whether the story gives the record.
func replayCall(w io.Writer, from *storeFlags, rec record.Record) error {
	var plan *tariff.Plan
	if rec.Row != nil {
		plan = from.plan(rec.Row.Plan)
	}
	differs := record.Replay(rec, plan)
	for _, d := range differs {
		fmt.Fprintln(w, "replay differs:", d)
	}
	switch {
	case len(differs) > 0:
		return fmt.Errorf("call %s: the story does not give the record", rec.Call)
	case rec.Row == nil:
		fmt.Fprintln(w, "replay: the same record, no row")
	case plan == nil:
		fmt.Fprintf(w, "replay: the same record and facts of the row; the configuration has no plan %s, so the price was not computed again\n", rec.Row.Plan)
	default:
		fmt.Fprintln(w, "replay: the same record and the same row")
	}
	return nil
}

// plan finds a plan by its name and version; nil where there is none.
func (f *storeFlags) plan(ref string) *tariff.Plan {
	plans := []tariff.Plan{tariff.DefaultPlan()}
	if _, err := os.Stat(f.config); err == nil { // a store can be read without
		if cfg, err := loadConfig(f.config); err == nil {
			plans = append(cfg.Plans, plans...)
		}
	}
	for i := range plans {
		if plans[i].Ref() == ref {
			return &plans[i]
		}
	}
	return nil
}

// list prints calls as a table. It aligns a screenful at a time, so that a long list begins at once.
type list struct {
	w *tabwriter.Writer
	n int
}

const listPage = 200

func newList(w io.Writer) *list {
	l := &list{w: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	fmt.Fprintln(l.w, "RECEIVED\tCALL\tTENANT\tCALLER\tAGENT\tWAITED\tHANDLED\tOUTCOME\tTARIFF\tAMOUNT")
	return l
}

func (l *list) Write(r record.Record) error {
	rated, amount := "-", "-"
	if r.Row != nil {
		rated, amount = r.Row.Tariff.String(), tariff.Kronor(r.Row.AmountOre)
	}
	_, err := fmt.Fprintf(l.w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
		r.Received.In(calendar.Stockholm()).Format("2006-01-02 15:04:05"), r.Call, r.Tenant, dash(r.Parties.Caller),
		dash(r.Parties.Agent), seconds(r.WaitedMS), seconds(r.HandledMS), r.Outcome, rated, amount)
	if l.n++; err == nil && l.n%listPage == 0 {
		err = l.w.Flush()
	}
	return err
}

func (l *list) Close() error { return l.w.Flush() }

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return strconv.QuoteToGraphic(s)[1 : len(strconv.QuoteToGraphic(s))-1]
}

func seconds(ms int64) string { return fmt.Sprintf("%.1fs", float64(ms)/1000) }
