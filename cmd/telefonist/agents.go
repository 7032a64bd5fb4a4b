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
		Short: "List, pause and resume receptionists of a running server",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var from storeFlags
	from.add(cmd)
	var reason string
	pause := &cobra.Command{
		Use: "pause ID", Short: "Offer an agent no calls until resumed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(&from, func(c *web.Client) error { return c.Pause(cmd.Context(), args[0], reason) }, args[0])
		},
	}
	pause.Flags().StringVar(&reason, "reason", "other", "why, for those who look")
	resume := &cobra.Command{
		Use: "resume ID", Short: "Offer an agent calls again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withServer(&from, func(c *web.Client) error { return c.Resume(cmd.Context(), args[0]) }, args[0])
		},
	}
	list := &cobra.Command{
		Use: "list", Short: "List agents and what they are doing",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withServer(&from, func(c *web.Client) error { return listAgents(cmd, c) }, "")
		},
	}
	cmd.AddCommand(list, pause, resume)
	return cmd
}

func withServer(from *storeFlags, do func(*web.Client) error, agent string) error {
	dir, err := from.folder()
	if err != nil {
		return err
	}
	c, err := web.Dial(app.SocketPath(dir))
	if err != nil {
		return fmt.Errorf("%w: agents exist only while the server runs", err)
	}
	defer c.Close()
	err = do(c)
	if errors.Is(err, web.ErrNotFound) {
		return exit(exitNotFound, fmt.Errorf("no agent %s", agent))
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
