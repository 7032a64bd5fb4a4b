package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"telefonist/calendar"
	"telefonist/web"
)

func statsCommand() *cobra.Command {
	var from storeFlags
	var tenant, agent, begin, end, by string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Print statistics: service level, waits, abandoned calls, handling time, occupancy",
		Long: `Print the statistics of all calls, of a tenant, of an agent, or of an agent's calls for a tenant, by the day or hour of Europe/Stockholm;
without --from, those of today. docs/statistics.md says how each figure comes about. Columns that have nothing to tell show "-".`,
		Example: "  telefonist stats --from 2026-11-01 --to 2026-11-30 --tenant acme\n  telefonist stats --by hour --agent anna",
		RunE: func(cmd *cobra.Command, _ []string) error {
			first, err := parseTime("--from", begin, false)
			if err == nil && by != "day" && by != "hour" {
				err = fmt.Errorf("--by %q is neither day nor hour", by)
			}
			last, err2 := parseTime("--to", end, true)
			if err := errors.Join(err, err2); err != nil {
				return exit(exitUsage, err)
			}
			return withDirectory(&from, "tenant "+tenant, func(c *web.Client) error {
				s, err := c.Statistics(cmd.Context(), tenant, agent, first, last, by)
				if err != nil {
					return err
				}
				if asJSON {
					enc := json.NewEncoder(cmd.OutOrStdout())
					enc.SetIndent("", "  ")
					return enc.Encode(s)
				}
				return printStats(cmd, s, by)
			})
		},
	}
	from.add(cmd)
	cmd.Flags().StringVar(&tenant, "tenant", "", "of this tenant `ID`")
	cmd.Flags().StringVar(&agent, "agent", "", "of this agent `ID`")
	cmd.Flags().StringVar(&begin, "from", "", "from this whole hour on: a `TIME` as 2026-11-23 or 2026-11-23T07:00")
	cmd.Flags().StringVar(&end, "to", "", "until this whole hour: a `TIME`; a date alone includes that day")
	cmd.Flags().StringVar(&by, "by", "day", "`PERIOD` of a line: day or hour")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, with every field")
	return cmd
}

func printStats(cmd *cobra.Command, s web.Statistics, by string) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PERIOD\tCALLS\tANSWERED\tABANDONED\tSHORT\tOTHER\tLEVEL\tABANDON\tSPEED\tLONGEST\tHANDLED\tHANDLING\tOCCUPANCY")
	layout := time.DateOnly
	if by == "hour" {
		layout = "2006-01-02 15:04"
	}
	line := func(name string, p web.Stats) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", name, p.Calls, p.Answered, p.Abandoned, p.AbandonedShort, p.Overflowed+p.Failed,
			percent(p.ServiceLevel), percent(p.AbandonRate), mean(p.AverageWaitMS), seconds(p.LongestWaitMS), p.Handled, mean(p.AverageHandlingMS), percent(p.Occupancy))
	}
	for _, p := range s.Periods {
		line(p.From.In(calendar.Stockholm()).Format(layout), p)
	}
	line("total", s.Total)
	return w.Flush()
}

func percent(p *float64) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", *p*100)
}

func mean(ms *int64) string {
	if ms == nil {
		return "-"
	}
	return seconds(*ms)
}
