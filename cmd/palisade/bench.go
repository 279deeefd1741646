package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/bench"
)

func benchCommand() *cobra.Command {
	options := bench.Options{}
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measure reads and ingestion beside bare SQL",
		Long: `Measure reads and ingestion beside bare SQL in the same run, on a server and a database of its own that are removed afterwards.
The client runs on the same machine and takes its share of it.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			if options.Findings < 1 || options.Scans < 1 || options.Reading < 0 {
				return usageError{errors.New("findings and scans must be at least 1, reading at least 0")}
			}
			if options.Lists && (options.File != "" || options.Reading == 0 || options.Older < 0 || options.OlderFindings < 1) {
				return usageError{errors.New("lists are measured on made files, for some time, with at least 0 older scans of at least 1 finding")}
			}
			if options.File != "" && options.Account == "" {
				return usageError{errors.New("say with --account which aws account the file is about")}
			}
			var err error
			if options.Program, err = os.Executable(); err != nil {
				return fmt.Errorf("find the program: %w", err)
			}
			return bench.Run(command.Context(), options, command.OutOrStdout())
		},
	}
	command.Flags().StringVar(&options.File, "file", "", "findings file of one aws account (default: a made one)")
	command.Flags().StringVar(&options.Account, "account", "", "aws account that the file is about")
	command.Flags().IntVar(&options.Findings, "findings", 50_000, "findings of the made file")
	command.Flags().IntVar(&options.Scans, "scans", 6, "how often the file is ingested, one scan after the other")
	command.Flags().DurationVar(&options.Reading, "reading", 3*time.Second, "how long each way of reading is measured; 0: not at all")
	command.Flags().BoolVar(&options.Lists, "lists", false, "measure the lists that people ask for, through HTTP, on the newest of several scans; a table in Markdown")
	command.Flags().IntVar(&options.Older, "older", 20, "with --lists: scans that lie behind the newest")
	command.Flags().IntVar(&options.OlderFindings, "older-findings", 5_000, "with --lists: findings of each of those")
	return command
}
