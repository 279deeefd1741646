package main

import (
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/bench"
)

// explainable lets a command explain plans instead of measuring, when it is asked to.
func explainable(measure *cobra.Command) *cobra.Command {
	var asked bool
	options := bench.Explanation{}
	measure.Flags().BoolVar(&asked, "explain", false, "judge the plans of every filter, order and page that requests may ask for, on --findings (1000000 unless given); fail for one that reads too much without a known reason")
	measure.Flags().StringVar(&options.Operations, "operations", "", "with --explain: patterns of the operations that are looked at, e.g. 'findings.*,tasks.list' (default: all)")
	run := measure.RunE
	measure.RunE = func(command *cobra.Command, args []string) error {
		if !asked {
			return run(command, args)
		}
		if _, err := path.Match(options.Operations, ""); err != nil {
			return usageError{fmt.Errorf("--operations: %w", err)}
		}
		options.Findings, _ = command.Flags().GetInt("findings")
		if !command.Flags().Changed("findings") {
			options.Findings = 1_000_000
		}
		if options.Findings < 1000 {
			return usageError{errors.New("plans of fewer than 1000 findings say nothing")}
		}
		options.DataDir, _ = command.Flags().GetString("data-dir")
		var err error
		if options.Program, err = os.Executable(); err != nil {
			return fmt.Errorf("find the program: %w", err)
		}
		return bench.Explain(command.Context(), options, command.OutOrStdout())
	}
	return measure
}
