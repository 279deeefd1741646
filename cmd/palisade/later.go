package main

import "github.com/spf13/cobra"

func ingestCommand() *cobra.Command { return &cobra.Command{Use: "ingest"} }
