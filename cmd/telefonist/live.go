package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"telefonist/call"
	"telefonist/web"
)

func liveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "live", Short: "Show live calls, waiting lines, parked calls and agents, and steer them",
		Long: "Show what a running server is doing. The commands below do what a supervisor does: any call may be named.",
		Args: cobra.NoArgs,
	}
	var from storeFlags
	from.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withServer(&from, "", func(c *web.Client) error {
			snap, err := c.Live(cmd.Context())
			if err != nil {
				return err
			}
			return printLive(cmd.OutOrStdout(), snap)
		})
	}
	cmd.AddCommand(liveAct(&from), liveTake(&from), liveMove(&from), livePickUp(&from), liveDial(&from), liveNote(&from))
	return cmd
}

func printLive(out io.Writer, s web.Live) error {
	for _, a := range s.Alarms {
		fmt.Fprintf(out, "ALARM %s (%d) since %s\n", a.Kind, a.Value, a.Since.Local().Format(time.TimeOnly))
	}
	ago := func(t time.Time) string { return s.At.Sub(t).Round(time.Second).String() }
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "CALL\tTENANT\tCALLER\tAGENT\tFOR\tLAST\t\n")
	for _, c := range s.Calls {
		if c.Slot == 0 { // parked ones come below
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.Tenant, cmp.Or(c.Caller, "-"), dash(c.Agent), ago(c.Arrived), liveState(c), c.Kind)
		}
	}
	for _, p := range s.Parked {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\tparked at %d\t\n", p.Call, p.Tenant, dash(p.Caller), p.Agent, ago(p.Since), p.Slot)
	}
	for _, v := range s.Wishes {
		fmt.Fprintf(w, "%s\t%s\t%s\t-\t%s\t%s\t\n", v.ID, v.Tenant, v.Number, ago(v.Left), wishState(v))
	}
	if len(s.Queues) > 0 {
		fmt.Fprintln(w, "\nLINE\tWAITING\tLONGEST\t\t\t\t")
		for _, q := range s.Queues {
			fmt.Fprintf(w, "%s\t%d\t%s\t\t\t\t\n", q.Tenant, q.Waiting, ago(q.Since))
		}
	}
	fmt.Fprintln(w, "\nAGENT\tSTATE\tREASON\tCALL\tFOR\t\t")
	for _, a := range s.Agents {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t\t\n", a.ID, a.State, dash(a.Reason), dash(string(a.Call)), ago(a.Since))
	}
	for _, n := range s.Notes {
		fmt.Fprintf(w, "\nNOTE %s %s: %s\t\n", n.At.Local().Format(time.TimeOnly), n.By, n.Text)
	}
	return w.Flush()
}

// wishState says that a wish waits, or rests until it is tried again.
func wishState(v web.LiveWish) string {
	if v.After.IsZero() {
		return "wants to be called back"
	}
	return fmt.Sprintf("wants to be called back, again at %s", v.After.Local().Format(time.TimeOnly))
}

// liveState says where a call is: its place in line, or what happened last.
func liveState(c web.LiveInfo) string {
	if c.Waiting {
		return fmt.Sprintf("waits at place %d", c.Place)
	}
	return string(c.Last.Kind)
}

func liveAct(from *storeFlags) *cobra.Command {
	var a web.CallAction
	var more time.Duration
	cmd := &cobra.Command{Use: "act CALL ACTION", Short: "Do something with a live call, as a supervisor or as its receptionist",
		Long:    fmt.Sprintf("Do something with a live call. Actions: %v. CALL may be - where --agent names the receptionist who has it.", call.Actions),
		Example: "  telefonist live act - connect --agent anna --to 205\n  telefonist live act 01K… grant --more 2m",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			a.Action, a.Grant = call.Action(args[1]), int(more/time.Second)
			id := args[0]
			if id == "-" {
				id = ""
			}
			return withServer(from, "live call "+args[0], func(c *web.Client) error {
				done, err := c.Act(cmd.Context(), id, a)
				if err == nil && done.Slot > 0 {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "parked at %d\n", done.Slot)
				}
				return err
			})
		}}
	cmd.Flags().StringVar(&a.Agent, "agent", "", "as which receptionist; empty: as a supervisor")
	cmd.Flags().StringVar(&a.To, "to", "", "where to: a number as it would be dialled, agent:ID, group:NAME")
	cmd.Flags().DurationVar(&more, "more", 0, "how much more time, for grant")
	return cmd
}

func liveTake(from *storeFlags) *cobra.Command {
	return &cobra.Command{Use: "take CALL AGENT", Short: "Give a waiting call to an agent who is free", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(from, "waiting call "+args[0]+" or agent "+args[1], func(c *web.Client) error { return c.Take(cmd.Context(), args[0], args[1]) })
		}}
}

func liveMove(from *storeFlags) *cobra.Command {
	return &cobra.Command{Use: "move CALL POSITION", Short: "Put a waiting call at a position of the order of service; 1 is next", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil || n < 1 {
				return exit(exitUsage, fmt.Errorf("position %q: write 1 for the next to be served, 2 for the one after", args[1]))
			}
			return withServer(from, "waiting call "+args[0], func(c *web.Client) error { return c.Move(cmd.Context(), args[0], n) })
		}}
}

func livePickUp(from *storeFlags) *cobra.Command {
	return &cobra.Command{Use: "pickup AGENT SLOT", Short: "Connect an agent who is free with a parked call", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			slot, err := strconv.Atoi(args[1])
			if err != nil {
				return exit(exitUsage, fmt.Errorf("slot %q is no number", args[1]))
			}
			return withServer(from, "agent "+args[0]+" or call at "+args[1], func(c *web.Client) error {
				_, err := c.PickUp(cmd.Context(), args[0], slot)
				return err
			})
		}}
}

func liveDial(from *storeFlags) *cobra.Command {
	return &cobra.Command{Use: "dial AGENT TENANT NUMBER", Short: "Ring an agent, then call a number in a tenant's name", Args: cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(from, "agent "+args[0]+" or tenant "+args[1], func(c *web.Client) error {
				done, err := c.DialOut(cmd.Context(), args[0], args[1], args[2])
				if err == nil {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), done.Call)
				}
				return err
			})
		}}
}

func liveNote(from *storeFlags) *cobra.Command {
	var agents []string
	cmd := &cobra.Command{Use: "note TEXT", Short: "Show a note on receptionists' consoles", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(from, "such agent", func(c *web.Client) error {
				_, err := c.Note(cmd.Context(), web.NoteInput{Text: args[0], Agents: agents})
				return err
			})
		}}
	cmd.Flags().StringSliceVar(&agents, "agent", nil, "whom it is for; empty: everybody")
	return cmd
}
