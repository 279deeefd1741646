package main

import (
	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/config"
)

func configCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "config",
		Short: "Print the settings in effect, secrets masked",
		Args:  arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			settings, _, err := load(command)
			if err != nil {
				return err
			}
			return settings.Print(command.OutOrStdout())
		},
	}
	config.AddFlags(command.Flags())
	return command
}
