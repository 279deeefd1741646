package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
)

func openapiCommand() *cobra.Command {
	var version string
	command := &cobra.Command{
		Use:   "openapi",
		Short: "Print the OpenAPI document as YAML",
		Args:  arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			server, err := app.Describe(command.Context())
			if err != nil {
				return err
			}
			render, ok := map[string]func() ([]byte, error){"3.1": server.OpenAPI().YAML, "3.0": server.OpenAPI().DowngradeYAML}[version]
			if !ok {
				return usageError{fmt.Errorf("--version %q: want 3.1 or 3.0", version)}
			}
			text, err := render()
			if err != nil {
				return fmt.Errorf("render OpenAPI %s: %w", version, err)
			}
			_, err = command.OutOrStdout().Write(text)
			return err
		},
	}
	command.Flags().StringVar(&version, "version", "3.1", "3.1, or 3.0 for tools that read no newer one")
	return command
}
