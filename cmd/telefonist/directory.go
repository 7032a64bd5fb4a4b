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

	"telefonist/account"
	"telefonist/app"
	"telefonist/calendar"
	"telefonist/directory"
	"telefonist/web"
)

// withDirectory runs do with the directories of the store: through the running server, or read-only in its files.
func withDirectory(from *storeFlags, what string, do func(*web.Client) error) error {
	dir, err := from.folder()
	if err != nil {
		return err
	}
	c, closing, err := app.OpenDirectory(dir)
	if err != nil {
		return err
	}
	defer closing()
	if err = do(c); errors.Is(err, web.ErrNotFound) {
		return exit(exitNotFound, fmt.Errorf("no %s", what))
	}
	return err
}

func group(use, short string, subs func(from *storeFlags) []*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var from storeFlags
	from.add(cmd)
	cmd.AddCommand(subs(&from)...)
	return cmd
}

func tenantsCommand() *cobra.Command {
	return group("tenants", "List and show the companies that are answered for", func(from *storeFlags) []*cobra.Command {
		list := &cobra.Command{Use: "list", Short: "List tenants, one a line",
			RunE: func(cmd *cobra.Command, _ []string) error {
				return withDirectory(from, "tenant", func(c *web.Client) error { return listTenants(cmd, c) })
			}}
		var common string
		show := &cobra.Command{Use: "show ID", Short: "Show what a receptionist sees when a call to a tenant is answered", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return withDirectory(from, "tenant "+args[0], func(c *web.Client) error {
					s, err := c.Shown(cmd.Context(), args[0], common)
					if err != nil {
						return err
					}
					return showTenant(cmd.OutOrStdout(), s)
				})
			}}
		show.Flags().StringVar(&common, "common", "", "for calls to this common `NUMBER`")
		return []*cobra.Command{list, show}
	})
}

func listTenants(cmd *cobra.Command, c *web.Client) error {
	all, err := c.Tenants(cmd.Context())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TENANT\tNAME\tNUMBER\tSTAGE\tFIRST CALL")
	for _, t := range all {
		first := time.Time{}
		for _, l := range t.Lives {
			if l.Number == t.Number {
				first = l.Delivered
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.ID, dash(t.Name), dash(t.Number), t.Stage, when(first))
	}
	return w.Flush()
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(calendar.Stockholm()).Format("2006-01-02 15:04")
}

func showTenant(w io.Writer, s web.Shown) error {
	var b strings.Builder
	for _, n := range s.Notices {
		fmt.Fprintf(&b, "! %s (%s, until %s)\n", n.Text, n.Author, when(n.Until))
	}
	line := func(name string, from directory.Origin, text string) {
		fmt.Fprintf(&b, "%-9s [%s] %s\n", name, from, text)
	}
	line("answer", s.Answer.From, s.Answer.Value)
	for i, r := range s.Connect.Value {
		line("connect", s.Connect.From, fmt.Sprintf("%d. %s", i+1, r.Text))
	}
	if m := s.Message.Value; s.Message.From != directory.FromNobody {
		line("message", s.Message.From, strings.TrimSpace(m.Channel+" "+m.To+" "+strings.Join(m.Ask, ", ")+" "+m.Note))
	}
	for _, c := range s.Contacts.Value {
		line("contact", s.Contacts.From, strings.TrimSpace(c.Name+" "+c.Phone+" "+c.Email+" "+c.About))
	}
	for _, q := range s.Questions {
		fmt.Fprintf(&b, "? %s\n  %s\n", q.Question.Question, q.Answer)
	}
	for _, f := range s.Flags {
		fmt.Fprintf(&b, "flag: %s\n", f)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func peopleCommand() *cobra.Command {
	return group("people", "Import, export and erase the people of a tenant", func(from *storeFlags) []*cobra.Command {
		return []*cobra.Command{peopleImport(from), peopleExport(from), peopleErase(from)}
	})
}

func tenantFlag(cmd *cobra.Command, tenant *string) {
	cmd.Flags().StringVar(tenant, "tenant", "", "the tenant's `ID`")
	_ = cmd.MarkFlagRequired("tenant")
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

func importPeople(cmd *cobra.Command, c *web.Client, tenant string, file []byte, o web.ImportOptions) error {
	report, err := c.Import(cmd.Context(), tenant, file, o)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	for _, h := range report.Ignored {
		fmt.Fprintf(out, "column %q means nothing here and is left out\n", h)
	}
	for _, r := range report.Rows {
		for _, p := range r.Problems {
			fmt.Fprintln(out, p.Error())
		}
		if o.DryRun && len(r.Problems) == 0 {
			fmt.Fprintf(out, "line %d: %s %s\n", r.Line, r.Fate, dash(r.Name))
		}
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
	cmd := &cobra.Command{
		Use: "erase ID", Short: "Erase a person with all traces in the directory: referrals and history too", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withDirectory(from, "person "+args[0]+" of tenant "+tenant, func(c *web.Client) error { return c.ErasePerson(cmd.Context(), tenant, args[0]) })
		},
	}
	tenantFlag(cmd, &tenant)
	return cmd
}

func tokensCommand() *cobra.Command {
	return group("tokens", "Make, list and revoke tokens for the HTTP API", func(from *storeFlags) []*cobra.Command {
		var tenant string
		list := &cobra.Command{Use: "list", Short: "List tokens, without their secrets",
			RunE: func(cmd *cobra.Command, _ []string) error {
				return withDirectory(from, "token", func(c *web.Client) error { return listTokens(cmd, c, tenant) })
			}}
		list.Flags().StringVar(&tenant, "tenant", "", "those of this tenant `ID` only")
		revoke := &cobra.Command{Use: "revoke ID", Short: "Revoke a token at once", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return withDirectory(from, "token "+args[0], func(c *web.Client) error { return c.RevokeToken(cmd.Context(), args[0]) })
			}}
		return []*cobra.Command{list, tokenCreate(from), revoke}
	})
}

func tokenCreate(from *storeFlags) *cobra.Command {
	var r web.TokenRequest
	var expires string
	cmd := &cobra.Command{
		Use: "create", Short: "Make a token and print it once",
		Long:    "Make a token for a program of one tenant, and print it. It is not kept and cannot be printed again.\n\nScopes: " + strings.Join(account.Words(account.Scopes()), ", "),
		Example: "  telefonist tokens create --tenant acme --name ERP --scope directory:read,directory:write",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if r.Expires, err = parseTime("--expires", expires, true); err != nil {
				return exit(exitUsage, err)
			}
			return withDirectory(from, "tenant "+r.Tenant, func(c *web.Client) error {
				t, err := c.CreateToken(cmd.Context(), r)
				if err == nil {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), t.Token)
				}
				return err
			})
		},
	}
	tenantFlag(cmd, &r.Tenant)
	cmd.Flags().StringVar(&r.Name, "name", "", "what it is for, as it is shown in histories")
	cmd.Flags().StringSliceVar(&r.Scopes, "scope", nil, "what it may do, separated by commas")
	cmd.Flags().StringVar(&expires, "expires", "", "valid until this `TIME`; a date alone includes that day")
	cmd.Flags().IntVar(&r.PerMinute, "per-minute", 0, "at most `N` requests a minute; 0 means 600")
	_ = cmd.MarkFlagRequired("name")
	_ = cmd.MarkFlagRequired("scope")
	return cmd
}

func listTokens(cmd *cobra.Command, c *web.Client, tenant string) error {
	all, err := c.Tokens(cmd.Context(), tenant)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTENANT\tNAME\tSCOPES\tLAST USED\tEXPIRES\tREVOKED")
	for _, t := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Tenant, dash(t.Name), strings.Join(account.Words(t.Scopes), ","), when(t.LastUsed), when(t.Expires), when(t.Revoked))
	}
	return w.Flush()
}

func keysCommand() *cobra.Command {
	return group("keys", "Rotate the keys that seal door codes", func(from *storeFlags) []*cobra.Command {
		var forget bool
		rotate := &cobra.Command{
			Use: "rotate", Short: "Make a new key and seal every door code with it",
			Long: `Make a new key in store.key_file and seal every door code with it. Earlier keys stay in the file, since backups of the
store need them; --forget drops them.`,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return withDirectory(from, "store", func(c *web.Client) error {
					done, err := c.RotateKeys(cmd.Context(), forget)
					if err == nil {
						_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d door codes sealed anew\n", done.Codes)
					}
					return err
				})
			},
		}
		rotate.Flags().BoolVar(&forget, "forget", false, "drop earlier keys: door codes in backups cannot be read any more")
		return []*cobra.Command{rotate}
	})
}
