package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"telefonist/app"
	"telefonist/config"
)

const configDefault = "telefonist.yaml"

func checkCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check a configuration and everything that it names",
		Long: `Read the configuration and all files that it names, and report every error with its file, line and column, and what
to write instead. Nothing is started and nothing is changed. Exit code 3 tells that something is wrong.`,
		Example: "  telefonist check --config /etc/telefonist/telefonist.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(file)
			if err != nil {
				return err
			}
			if err := app.Check(cfg); err != nil {
				return configError(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: correct\n", file)
			return err
		},
	}
	configFlag(cmd, &file)
	return cmd
}

func configFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "config", "c", configDefault, "configuration `FILE`")
}

// loadConfig reads a configuration; what is wrong with it is printed, one line for each error.
func loadConfig(file string) (*config.Config, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, configError(err)
	}
	if warnings := cfg.Warnings(); len(warnings) > 0 {
		fmt.Fprintln(os.Stderr, "warnings:")
		_ = warnings.Print(os.Stderr, false)
	}
	return cfg, nil
}

func configError(err error) error {
	var all config.Errors
	if !errors.As(err, &all) {
		return exit(exitConfig, err)
	}
	if err := all.Print(os.Stderr, term.IsTerminal(int(os.Stderr.Fd()))); err != nil {
		return err
	}
	noun := "errors"
	if len(all) == 1 {
		noun = "error"
	}
	return exit(exitConfig, fmt.Errorf("%d %s in the configuration", len(all), noun))
}
