package main
import "github.com/spf13/cobra"
func checkCommand() *cobra.Command { return &cobra.Command{Use:"check"} }
func ingestCommand() *cobra.Command { return &cobra.Command{Use:"ingest"} }
func benchCommand() *cobra.Command { return &cobra.Command{Use:"bench"} }
func demoCommand() *cobra.Command { return &cobra.Command{Use:"demo"} }
