// Command telefonist is the server behind an external receptionist service: it queues the calls of many companies,
// connects each to the next free receptionist, and keeps one priced row for every answered call.
//
// Exit codes: 0 success, 1 failure, 2 wrong usage, 3 wrong configuration or input file, 4 not found, 5 the demo did not
// add up.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	_ "time/tzdata" // Europe/Stockholm must be known on every machine

	"github.com/spf13/cobra"
)

// Exit codes, as the help text and the README list them.
const (
	exitFailure  = 1
	exitUsage    = 2
	exitConfig   = 3
	exitNotFound = 4
	exitMismatch = 5
)

// exitError is an error with an exit code of its own. One without a text was reported already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func exit(code int, err error) error { return &exitError{code, err} }

func main() {
	os.Exit(run(context.Background(), os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := exitFailure
	var coded *exitError
	if errors.As(err, &coded) {
		code = coded.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "telefonist:", text)
	}
	if code == exitUsage {
		fmt.Fprintln(os.Stderr, "Run telefonist --help, or the command with --help, for how to write it.")
	}
	return code
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "telefonist",
		Short: "Call handling for an external receptionist service",
		Long: `Telefonist answers for many companies: their PBXs send calls over SIP trunks, each call waits in its company's
queue, the next free receptionist's softphone is rung, and every answered call becomes one priced row.

Begin with "telefonist demo", which needs nothing but this program.`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetHelpTemplate(root.HelpTemplate() + `
Exit codes:
  0  success
  1  failure
  2  wrong usage
  3  wrong configuration or input file
  4  not found
  5  the demo did not add up
`)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit(exitUsage, err) })
	root.AddCommand(serveCommand(), demoCommand(), checkCommand(), callsCommand(), messagesCommand(), agentsCommand(), liveCommand(), tenantsCommand(), peopleCommand(), tokensCommand(), keysCommand(),
		eventsCommand(), statsCommand(), rateCommand(), versionCommand())
	for _, c := range root.Commands() {
		usageErrors(c)
	}
	usageErrors(root)
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// usageErrors gives the wrong number of arguments, and an unknown subcommand, the exit code of wrong usage.
func usageErrors(c *cobra.Command) {
	check := c.Args
	if check == nil {
		check = cobra.NoArgs
	}
	c.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return exit(exitUsage, err)
		}
		return nil
	}
	for _, sub := range c.Commands() {
		usageErrors(sub)
	}
}
