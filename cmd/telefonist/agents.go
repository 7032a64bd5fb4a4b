package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"telefonist/app"
	"telefonist/web"
)

func agentsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agents",
		Short: "List receptionists of a running server, log them in and out, pause and free them",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var from storeFlags
	from.add(cmd)
	set := func(use, short, state string) *cobra.Command {
		var reason string
		c := &cobra.Command{Use: use + " ID", Short: short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return withServer(&from, "agent "+args[0], func(c *web.Client) error {
					return c.SetAgent(cmd.Context(), args[0], web.AgentState{State: state, Reason: reason})
				})
			}}
		if state == "paused" {
			c.Flags().StringVar(&reason, "reason", "other", "lunch, meeting, admin or other")
		}
		return c
	}
	free := &cobra.Command{Use: "free ID", Short: "Take an agent out of a call that she is stuck in; its caller goes back to the head of the queue", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(&from, "agent "+args[0], func(c *web.Client) error { return c.FreeAgent(cmd.Context(), args[0]) })
		}}
	list := &cobra.Command{Use: "list", Short: "List agents and what they are doing",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withServer(&from, "", func(c *web.Client) error { return listAgents(cmd, c) })
		}}
	cmd.AddCommand(list, set("login", "Log an agent in", "available"), set("logout", "Log an agent out; a call that she has goes on", "logged_out"),
		set("pause", "Offer an agent no calls until resumed", "paused"), set("resume", "Offer an agent calls again", "available"), free)
	return cmd
}

// withServer runs do with the running server; what says what was asked for, where it may not exist.
func withServer(from *storeFlags, what string, do func(*web.Client) error) error {
	dir, err := from.folder()
	if err != nil {
		return err
	}
	c, err := web.Dial(app.SocketPath(dir))
	if err != nil {
		return fmt.Errorf("%w: live calls and agents exist only while the server runs", err)
	}
	defer c.Close()
	err = do(c)
	if errors.Is(err, web.ErrNotFound) {
		return exit(exitNotFound, fmt.Errorf("no %s", what))
	}
	return err
}

func listAgents(cmd *cobra.Command, c *web.Client) error {
	snap, err := c.Live(cmd.Context())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "AGENT\tKIND\tSTATE\tFOR\tCALL\tREASON")
	for _, a := range snap.Agents {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", a.ID, a.Kind, a.State, time.Since(a.Since).Round(time.Second), dash(string(a.Call)), dash(a.Reason))
	}
	fmt.Fprintf(w, "\ncallers waiting: %d\n", snap.Waiting)
	return w.Flush()
}
