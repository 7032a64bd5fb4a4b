package main

import (
	"errors"
	"fmt"
	"io"
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
	var coded *exitError
	switch err = do(c); {
	case errors.As(err, &coded):
		return err
	case errors.Is(err, web.ErrNotFound):
		return exit(exitNotFound, fmt.Errorf("no %s", what))
	case errors.Is(err, web.ErrWrong):
		return exit(exitUsage, err)
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
		show := &cobra.Command{Use: "show ID", Short: "Show when a tenant's calls are answered, and what a receptionist sees then", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return withDirectory(from, "tenant "+args[0], func(c *web.Client) error {
					service, err := c.Service(cmd.Context(), args[0], common)
					if err != nil {
						return err
					}
					s, err := c.Shown(cmd.Context(), args[0], common)
					if err != nil {
						return err
					}
					fmt.Fprintln(cmd.OutOrStdout(), service.Text)
					return showTenant(cmd.OutOrStdout(), s)
				})
			}}
		show.Flags().StringVar(&common, "common", "", "for calls to this common `NUMBER`")
		return []*cobra.Command{list, show, tenantsAway(from), tenantsBack(from)}
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
		Long: "Make a token for a program, and print it. It is not kept and cannot be printed again. With --tenant it reaches that tenant's " +
			"directory; with --agent and the scope calls:work it acts as that receptionist; the scope calls:supervise, without either, is a " +
			"supervisor's.\n\nScopes: " + strings.Join(account.Words(account.Scopes()), ", "),
		Example: "  telefonist tokens create --tenant acme --name ERP --scope directory:read,directory:write\n" +
			"  telefonist tokens create --tenant acme --name \"Mina sidor\" --scope directory:read,referrals:write\n" +
			"  telefonist tokens create --agent anna --name \"Anna's console\" --scope calls:work\n" +
			"  telefonist tokens create --name Wallboard --scope calls:supervise",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if r.Expires, err = parseTime("--expires", expires, true); err != nil {
				return exit(exitUsage, err)
			}
			return withDirectory(from, "token", func(c *web.Client) error {
				t, err := c.CreateToken(cmd.Context(), r)
				if err == nil {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), t.Token)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&r.Tenant, "tenant", "", "the `ID` of the tenant whose directory it reaches")
	cmd.Flags().StringVar(&r.Agent, "agent", "", "the `ID` of the receptionist as whom it acts")
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
	fmt.Fprintln(w, "ID\tTENANT\tAGENT\tNAME\tSCOPES\tLAST USED\tEXPIRES\tREVOKED")
	for _, t := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, dash(t.Tenant), dash(t.Agent), dash(t.Name), strings.Join(account.Words(t.Scopes), ","), when(t.LastUsed), when(t.Expires), when(t.Revoked))
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

func tenantFlag(cmd *cobra.Command, tenant *string) {
	cmd.Flags().StringVar(tenant, "tenant", "", "the tenant's `ID`")
	_ = cmd.MarkFlagRequired("tenant")
}
