package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/token"
)

// keysOutcome is what the commands on token keys print.
type keysOutcome struct {
	Signing string   `json:"signing,omitempty"` // fingerprint of the new key
	Removed []string `json:"removed,omitzero"`
	Kept    []string `json:"kept,omitzero"` // earlier keys that are still believed
}

func keysCommand() *cobra.Command {
	var prune bool
	rotate := keyCommand("rotate", "Sign tokens with a new key from now on", func(dir string) (keysOutcome, error) {
		signing, err := token.Rotate(dir, time.Now())
		outcome := keysOutcome{Signing: signing}
		if err == nil && prune {
			outcome.Removed, outcome.Kept, err = token.Prune(dir, time.Now())
		}
		return outcome, err
	})
	rotate.Long = `Sign tokens with a new key from now on. The public half of the old key stays in the key folder, so that tokens that were
signed before are good as long as they would have been: nobody is logged out. Servers on the folder take the new key up by
themselves within seconds. Prints the outcome as one line of JSON.`
	rotate.Flags().BoolVar(&prune, "prune", false, "also remove earlier keys of which no token can be good any more")
	remove := keyCommand("prune", "Remove earlier keys of which no token can be good any more", func(dir string) (outcome keysOutcome, err error) {
		outcome.Removed, outcome.Kept, err = token.Prune(dir, time.Now())
		return outcome, err
	})
	remove.Long = `Remove the earlier keys that were replaced longer ago than a refresh token is good. To end all log-ins at once, because a
key has leaked, rotate and remove every file jwt_previous* of the key folder by hand.`
	return group("keys", "Keys that sign tokens", rotate, remove)
}

// keyCommand works on the key folder alone; a server may run on it or not.
func keyCommand(use, short string, run func(dir string) (keysOutcome, error)) *cobra.Command {
	command := &cobra.Command{Use: use, Short: short, Args: arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			settings, _, err := load(command)
			if err != nil {
				return err
			}
			outcome, err := run(settings.Keys())
			if err != nil {
				return err
			}
			if err := json.NewEncoder(command.OutOrStdout()).Encode(outcome); err != nil {
				return fmt.Errorf("print the outcome: %w", err)
			}
			return nil
		}}
	config.AddFlags(command.Flags(), "data-dir", "key-dir")
	return command
}
