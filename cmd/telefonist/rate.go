package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"telefonist/config"
	"telefonist/tariff"
)

func rateCommand() *cobra.Command {
	var planFile string
	cmd := &cobra.Command{
		Use:   "rate CASES.csv",
		Short: "Print what calls would have cost",
		Long: `Read a table with the columns answered_at (RFC 3339), handled_ms and mediated (true, false, direct or announced; true
means direct), and print it completed with tariff, period and amount_ore. Further columns are ignored. "-" reads standard
input.

Without --plan the default plan rates; --plan takes a YAML file with the fields of a plan, read over the default.`,
		Example: "  telefonist rate cases.csv --plan plan.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := readPlan(planFile)
			if err != nil {
				return exit(exitConfig, err)
			}
			in, err := openInput(cmd, args[0])
			if err != nil {
				return exit(exitConfig, err)
			}
			defer in.Close()
			table, err := tariff.ReadTable(in)
			if err != nil {
				return exit(exitConfig, fmt.Errorf("%s: %w", args[0], err))
			}
			return table.Write(cmd.OutOrStdout(), plan)
		},
	}
	cmd.Flags().StringVar(&planFile, "plan", "", "YAML `FILE` with a tariff plan")
	return cmd
}

func readPlan(file string) (tariff.Plan, error) {
	if file == "" {
		return tariff.DefaultPlan(), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return tariff.Plan{}, fmt.Errorf("read plan: %w", err)
	}
	return config.ParsePlan(file, data)
}

func openInput(cmd *cobra.Command, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	return os.Open(name)
}
