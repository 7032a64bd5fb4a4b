package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"telefonist/calendar"
	"telefonist/web"
)

func tenantsAway(from *storeFlags) *cobra.Command {
	var until string
	cmd := &cobra.Command{Use: "away ID", Short: "Say that a tenant's own receptionists are away: the service answers", Args: cobra.ExactArgs(1),
		Example: "  telefonist tenants away acme --until 17:00",
		RunE: func(cmd *cobra.Command, args []string) error {
			end, err := clockOrDate(until, time.Now())
			if err != nil {
				return exit(exitUsage, err)
			}
			return setService(cmd, from, args[0], web.AwayRequest{Away: true, Until: end})
		}}
	cmd.Flags().StringVar(&until, "until", "", "when they are back: a `TIME` as 17:00, or 2026-12-24 17:00, in Stockholm; without: until they are switched back")
	return cmd
}

func tenantsBack(from *storeFlags) *cobra.Command {
	return &cobra.Command{Use: "back ID", Short: "Say that a tenant's own receptionists are back", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return setService(cmd, from, args[0], web.AwayRequest{})
		}}
}

func setService(cmd *cobra.Command, from *storeFlags, tenant string, in web.AwayRequest) error {
	return withDirectory(from, "tenant "+tenant, func(c *web.Client) error {
		out, err := c.SetService(cmd.Context(), tenant, in)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), out.Text)
		return err
	})
}

// clockOrDate reads the next time that the clock in Stockholm shows, or a date with a time; nothing is the zero time.
func clockOrDate(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if clock, err := calendar.ParseTimeOfDay(s); err == nil {
		return calendar.Next(clock, now), nil
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", s, calendar.Stockholm())
	if err != nil {
		return time.Time{}, fmt.Errorf("--until %q: write a time such as 17:00, or a date and time such as \"2026-12-24 17:00\"", s)
	}
	return t, nil
}
