package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"telefonist/app"
	"telefonist/calendar"
	"telefonist/call"
	"telefonist/record"
	"telefonist/web"
)

func messagesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "messages",
		Short: "List, show and resend messages",
		Long: `E-mail and SMS that receptionists sent, and how far each has come: queued, sending, sent (the gateway has it), delivered,
or failed, which is a dead letter that can be sent again. They are read through the running server where one runs, in the store's
files where not.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var from storeFlags
	from.add(cmd)
	cmd.AddCommand(messagesList(&from), messagesShow(&from), messagesResend(&from))
	return cmd
}

func messagesList(from *storeFlags) *cobra.Command {
	var p period
	var state, ofCall string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List messages, one a line, without what they say",
		Example: "  telefonist messages list --state failed",
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := p.query()
			if err != nil {
				return err
			}
			var names []string
			for _, s := range record.MessageStates {
				names = append(names, string(s))
			}
			if state != "" && !slices.Contains(names, state) {
				return exit(exitUsage, fmt.Errorf("--state %q is none: write %s", state, strings.Join(names, ", ")))
			}
			return listMessages(cmd, from, web.MessageQuery{Tenant: q.Tenant, Call: call.ID(ofCall), State: record.MessageState(state),
				From: q.From, To: q.To, Limit: q.Limit})
		},
	}
	cmd.Flags().StringVar(&p.tenant, "tenant", "", "messages of this tenant `ID` only")
	cmd.Flags().StringVar(&ofCall, "call", "", "messages of this call `ID` only")
	cmd.Flags().StringVar(&state, "state", "", "messages in this `STATE` only: queued, sending, sent, delivered or failed")
	cmd.Flags().StringVar(&p.from, "from", "", "written at or after this `TIME`: 2026-11-23, 2026-11-23T07:00 or RFC 3339")
	cmd.Flags().StringVar(&p.to, "to", "", "written before this `TIME`; a date alone includes that day")
	cmd.Flags().IntVar(&p.limit, "limit", 0, "at most `N` messages; 0 means all")
	return cmd
}

func listMessages(cmd *cobra.Command, from *storeFlags, q web.MessageQuery) error {
	return readMessages(from, func(r app.MessageReader) error {
		w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "MESSAGE\tWRITTEN\tTENANT\tCHANNEL\tTO\tSTATE\tATTEMPTS\tCODE")
		err := r.Messages(cmd.Context(), q, func(o record.Outgoing) error {
			m := o.Message
			_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", m.ID, m.Created.In(calendar.Stockholm()).Format(time.DateTime), m.Tenant,
				m.Channel, m.To.Address, o.State, o.Attempts, dash(o.Code))
			return err
		})
		return errors.Join(err, w.Flush())
	})
}

// writeCallMessages prints the messages of a call and how far each has come, nothing where there are none.
func writeCallMessages(cmd *cobra.Command, r app.Reader, id call.ID) error {
	m, ok := r.(app.MessageReader)
	if !ok {
		return nil
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	n := 0
	err := m.Messages(cmd.Context(), web.MessageQuery{Call: id}, func(o record.Outgoing) error {
		if n++; n == 1 {
			fmt.Fprintln(w, "\nMESSAGE\tWRITTEN\tCHANNEL\tTO\tSTATE\tCODE")
		}
		msg := o.Message
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", msg.ID, msg.Created.In(calendar.Stockholm()).Format(time.DateTime), msg.Channel,
			strings.TrimSpace(string(msg.To.Kind)+" "+msg.To.Name), o.State, dash(o.Code))
		return err
	})
	return errors.Join(err, w.Flush())
}

func messagesShow(from *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one message with its text, as JSON",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return readMessages(from, func(r app.MessageReader) error {
				o, err := r.Message(args[0])
				if err != nil {
					return messageError(args[0], err)
				}
				return printMessage(cmd, o)
			})
		},
	}
}

func messagesResend(from *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "resend ID...",
		Short: "Queue messages that failed again; the server must be running",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := from.folder()
			if err != nil {
				return err
			}
			c, err := web.Dial(app.SocketPath(dir))
			if err != nil {
				return fmt.Errorf("%w: messages are sent only while the server runs", err)
			}
			defer c.Close()
			for _, id := range args {
				o, err := c.Resend(cmd.Context(), id)
				if err != nil {
					return messageError(id, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", o.Message.ID, o.State)
			}
			return nil
		},
	}
}

func readMessages(from *storeFlags, do func(app.MessageReader) error) error {
	dir, err := from.folder()
	if err != nil {
		return err
	}
	r, err := app.OpenMessages(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	return do(r)
}

func messageError(id string, err error) error {
	if errors.Is(err, record.ErrNoMessage) {
		return exit(exitNotFound, fmt.Errorf("no message %s", id))
	}
	return err
}

func printMessage(cmd *cobra.Command, o record.Outgoing) error {
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(o)
}
