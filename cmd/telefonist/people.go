package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"telefonist/directory"
	"telefonist/web"
)

func peopleCommand() *cobra.Command {
	return group("people", "Find, import, export and erase the people of a tenant", func(from *storeFlags) []*cobra.Command {
		return []*cobra.Command{peopleFind(from), peopleImport(from), peopleExport(from), peopleErase(from)}
	})
}

func peopleFind(from *storeFlags) *cobra.Command {
	var tenant string
	cmd := &cobra.Command{
		Use: "find WORD...", Short: "Find people by name, keyword or number, with their ids", Args: cobra.MinimumNArgs(1),
		Example: "  telefonist people find anna fakturor --tenant acme",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withDirectory(from, "tenant "+tenant, func(c *web.Client) error {
				hits, err := c.Search(cmd.Context(), tenant, strings.Join(args, " "), "")
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, h := range hits {
					if h.Kind != string(directory.KindPerson) {
						continue
					}
					away := ""
					if h.Presence != nil && h.Presence.Away {
						away = h.Presence.Phrase + " until " + when(h.Presence.Until)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\n", h.ID, h.Title, away)
				}
				return w.Flush()
			})
		},
	}
	tenantFlag(cmd, &tenant)
	return cmd
}

func peopleImport(from *storeFlags) *cobra.Command {
	var tenant string
	var o web.ImportOptions
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Import people from a CSV or XLSX file", Args: cobra.ExactArgs(1),
		Long: `Import people from CSV or XLSX, as spreadsheets write them. The first row has headings, in Swedish or English: Förnamn,
Efternamn, Anknytning, Mobil, E-post, Avdelning, Sökord and so on; "people export" shows all. A person is found again by
id, external id, e-mail address or name, the first of these that a row has. What the file has no column for stays.

Everything is staged and then switched at once. Where a row is wrong nothing is written, unless --skip-errors is given.
Exit code 3 tells that rows are wrong.`,
		Example: "  telefonist people import people.xlsx --tenant acme --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := os.ReadFile(args[0])
			if err != nil {
				return exit(exitConfig, err)
			}
			return withDirectory(from, "tenant "+tenant, func(c *web.Client) error { return importPeople(cmd, c, tenant, file, o) })
		},
	}
	tenantFlag(cmd, &tenant)
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "only tell each row's fate")
	cmd.Flags().BoolVar(&o.Replace, "replace", false, "remove people whom the file does not have")
	cmd.Flags().BoolVar(&o.SkipErrors, "skip-errors", false, "write the rows that are right though others are wrong")
	return cmd
}

// maxProblems is how many things that are wrong are shown of a file: more than anybody repairs before trying again.
const maxProblems = 100

func importPeople(cmd *cobra.Command, c *web.Client, tenant string, file []byte, o web.ImportOptions) error {
	report, err := c.Import(cmd.Context(), tenant, file, o)
	if errors.Is(err, web.ErrWrong) {
		return exit(exitConfig, err)
	}
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	for _, h := range report.Ignored {
		fmt.Fprintf(out, "column %q means nothing here and is left out\n", h)
	}
	problems := 0
	for _, r := range report.Rows {
		for _, p := range r.Problems {
			if problems++; problems <= maxProblems {
				fmt.Fprintln(out, p.Error())
			}
		}
		if o.DryRun && len(r.Problems) == 0 {
			fmt.Fprintf(out, "line %d: %s %s\n", r.Line, r.Fate, dash(r.Name))
		}
	}
	if problems > maxProblems {
		fmt.Fprintf(out, "and %d more\n", problems-maxProblems)
	}
	n := report.Counts
	fmt.Fprintf(out, "%d to create, %d to update, %d unchanged, %d to delete, %d wrong\n", n.Created, n.Updated, n.Unchanged, n.Deleted, report.Errors)
	if report.Job == "" {
		if report.Errors > 0 {
			return exit(exitConfig, fmt.Errorf("%d rows are wrong, nothing was written", report.Errors))
		}
		return nil
	}
	return followImport(cmd, c, tenant, report.Job)
}

// followImport shows how far an import is, until it ends.
func followImport(cmd *cobra.Command, c *web.Client, tenant, id string) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	last := -1
	for {
		job, err := c.ImportJob(cmd.Context(), tenant, id)
		if err != nil {
			return err
		}
		if job.Done != last && job.Total > 0 {
			last = job.Done
			fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d staged\n", job.Done, job.Total)
		}
		switch n := job.Counts; job.State {
		case "done":
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "done: %d created, %d updated, %d deleted, %d changed by hand meanwhile\n", n.Created, n.Updated, n.Deleted, n.Overtaken)
			return err
		case "failed":
			return errors.New(job.Error)
		}
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			return cmd.Context().Err()
		}
	}
}

func peopleExport(from *storeFlags) *cobra.Command {
	var tenant, format string
	cmd := &cobra.Command{
		Use: "export", Short: "Export people as CSV or XLSX, or everything of a tenant as JSON",
		Example: "  telefonist people export --tenant acme --format csv > people.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "csv" && format != "xlsx" && format != "json" {
				return exit(exitUsage, fmt.Errorf("--format %q: write csv, xlsx or json", format))
			}
			return withDirectory(from, "tenant "+tenant, func(c *web.Client) error { return c.Export(cmd.Context(), tenant, format, cmd.OutOrStdout()) })
		},
	}
	tenantFlag(cmd, &tenant)
	cmd.Flags().StringVar(&format, "format", "csv", "csv, xlsx or json")
	return cmd
}

func peopleErase(from *storeFlags) *cobra.Command {
	var tenant string
	var dryRun bool
	cmd := &cobra.Command{
		Use: "erase ID", Short: "Erase a person with all traces", Args: cobra.ExactArgs(1),
		Long: `Erase a person with all traces: referrals and every version in the history; messages to them; their name, addresses and numbers in
call records, in messages to others and in earlier versions of other items. What calls are charged by stays. When the command
ends, nothing of it is left in the files of the store; backups are yours.

Free text that mentions the person as it stands now is listed and stays: reword it first, with --dry-run to see where it is.`,
		Example: "  telefonist people erase 3k5v7q --tenant acme --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withDirectory(from, "person "+args[0]+" of tenant "+tenant, func(c *web.Client) error {
				e, err := c.ErasePerson(cmd.Context(), tenant, args[0], dryRun)
				if err != nil {
					return err
				}
				return showErasure(cmd.OutOrStdout(), e)
			})
		},
	}
	tenantFlag(cmd, &tenant)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only tell what would be erased")
	return cmd
}

func showErasure(w io.Writer, e directory.Erasure) error {
	var b strings.Builder
	b.WriteString("erased:\n")
	if e.DryRun {
		b.Reset()
		b.WriteString("would be erased:\n")
	}
	for _, line := range []struct {
		n    int
		what string
	}{
		{e.Referrals, "referrals"}, {e.Versions, "versions in the history"}, {e.Substitutes, "places as a substitute"}, {e.Messages, "messages to the person"},
		{e.Calls, "call records, in which the person is masked"}, {e.About, "messages to others, likewise"}, {e.Masked, "earlier versions of other items, likewise"},
	} {
		fmt.Fprintf(&b, "%6d %s\n", line.n, line.what)
	}
	for _, m := range e.Mentions {
		fmt.Fprintf(&b, "stays, and mentions the person: %s %s\n", m.Kind, m.ID)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
