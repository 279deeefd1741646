package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
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
Clients and database run on the same machine and take their share of it: figures compare with each other, and with those of another
machine only where they are shares.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := checkBench(options); err != nil {
				return usageError{err}
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
	command.Flags().StringVar(&options.DataDir, "data-dir", "", "folder that keeps the server's data; a newest scan of that size which it has already is measured as it is (default: one that is removed)")
	command.Flags().IntSliceVar(&options.Sizes, "sizes", nil, "measure ingestion alone, of made files with so many findings each, on a server for each")
	command.Flags().BoolVar(&options.Lists, "lists", false, "measure what people ask for, through HTTP, on the newest of several scans, beside the same statements on bare connections")
	command.Flags().BoolVar(&options.History, "history", false, "compare the lists behind older scans of the same account with those of the newest scan alone")
	command.Flags().IntVar(&options.Older, "older", 20, "with --lists and --history: scans that lie behind the newest")
	command.Flags().IntVar(&options.OlderFindings, "older-findings", 5_000, "with --lists and --history: findings of each of those")
	return explainable(command)
}

// checkBench refuses options that do not go together.
func checkBench(options bench.Options) error {
	lists := options.Lists || options.History
	switch {
	case options.Findings < 1 || options.Scans < 1 || options.Reading < 0 || slices.ContainsFunc(options.Sizes, func(size int) bool { return size < 1 }):
		return errors.New("findings, sizes and scans must be at least 1, reading at least 0")
	case lists && (options.File != "" || options.Reading == 0 || options.Older < 0 || options.OlderFindings < 1):
		return errors.New("lists are measured on made files, for some time, with at least 0 older scans of at least 1 finding")
	case options.File != "" && options.Account == "":
		return errors.New("say with --account which aws account the file is about")
	case len(options.Sizes) > 0 && (options.File != "" || options.DataDir != "" || lists), options.Lists && options.History:
		return errors.New("--sizes (of made files, on servers of their own), --lists and --history are one run each")
	}
	return nil
}
