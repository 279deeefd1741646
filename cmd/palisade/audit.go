package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/audit"
)

func auditCommand() *cobra.Command {
	var options verifyOptions
	verify := besideCommand("verify", "Verify that nobody tampered with the audit logs", arguments(cobra.NoArgs),
		func(ctx context.Context, command *cobra.Command, program *app.App, _ []string) error {
			return options.verify(ctx, command.OutOrStdout(), program)
		})
	// Wrong use is told before anything is started.
	verify.PreRunE = func(*cobra.Command, []string) error { return options.read() }
	verify.Long = `Verify the chain of hashes of the audit log, of every tenant or of one. Prints the last event of each chain and its hash: note
them somewhere else, and give them to a later run with --expect or --expect-from, which then also finds a log whose end was cut
off or that was written anew. A tenant that was deleted since counts as one whose log was cut off.

The exit status is 1 when a chain is broken. With --format json, each line is one object: tenant_id, seq and hash of the last
event that is in order, and, of a broken chain, break with seq, kind (changed, removed, inserted, reordered, truncated, rewritten)
and detail. docs/audit.md says how to verify a log with other tools.`
	verify.Example = `  palisade audit verify --format json > heads.json
  palisade audit verify --expect-from heads.json
  palisade audit verify --tenant 7c9e6679-7425-40de-944b-e07fc1f90ae7 --expect 1200:5f70bf18...`
	verify.Flags().StringVar(&options.tenant, "tenant", "", "id of the one tenant whose log to verify")
	verify.Flags().StringVar(&options.expect, "expect", "", "SEQ:HASH of an event that must be in the log of --tenant")
	verify.Flags().StringVar(&options.expectFrom, "expect-from", "", "file with the JSON output of an earlier run: all of that must still be there")
	verify.Flags().StringVar(&options.format, "format", "text", "text or json")
	return group("audit", "The log of what policy decided", verify)
}

// verifyOptions are the flags of audit verify, as given and as read.
type verifyOptions struct {
	tenant, expect, expectFrom, format string

	only  uuid.UUID
	noted map[uuid.UUID]audit.Head
}

func (o *verifyOptions) read() error {
	o.noted = make(map[uuid.UUID]audit.Head)
	if o.format != "text" && o.format != "json" {
		return usageError{fmt.Errorf("--format is %q: want text or json", o.format)}
	}
	if o.tenant != "" {
		var err error
		if o.only, err = uuid.Parse(o.tenant); err != nil || o.only == uuid.Nil {
			return usageError{errors.New("--tenant: want the id of a tenant")}
		}
	}
	if o.expectFrom != "" {
		file, err := os.Open(o.expectFrom)
		if err != nil {
			return usageError{fmt.Errorf("--expect-from: %w", err)}
		}
		defer func() { _ = file.Close() }()
		if err := o.readHeads(file); err != nil {
			return usageError{fmt.Errorf("--expect-from %s: %w", o.expectFrom, err)}
		}
	}
	if o.expect == "" {
		return nil
	}
	if o.only == uuid.Nil {
		return usageError{errors.New("--expect needs --tenant; --expect-from is for several tenants")}
	}
	head, err := parseHead(o.expect)
	if err != nil {
		return usageError{fmt.Errorf("--expect: %w", err)}
	}
	o.noted[o.only] = head
	return nil
}

func parseHead(text string) (audit.Head, error) {
	number, hash, _ := strings.Cut(text, ":")
	head := audit.Head{Hash: strings.ToLower(hash)}
	var err error
	if head.Seq, err = strconv.ParseInt(number, 10, 64); err != nil {
		return head, errors.New("want SEQ:HASH, as an earlier run printed them")
	}
	return head, checkHead(head)
}

func checkHead(head audit.Head) error {
	if raw, err := hex.DecodeString(head.Hash); err != nil || len(raw) != 32 || head.Seq < 1 {
		return errors.New("want a sequence number from 1 on and a hash of 64 hexadecimal digits")
	}
	return nil
}

// readHeads reads what an earlier run printed as JSON. Of an empty log there was nothing to note.
func (o *verifyOptions) readHeads(from io.Reader) error {
	decoder := json.NewDecoder(from)
	for {
		var chain audit.Chain
		err := decoder.Decode(&chain)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("want the output of audit verify --format json: %w", err)
		}
		if chain.Seq == 0 {
			continue
		}
		if err := checkHead(chain.Head); err != nil {
			return err
		}
		o.noted[chain.TenantID] = chain.Head
	}
}

func (o *verifyOptions) verify(ctx context.Context, out io.Writer, program *app.App) error {
	chains, broken := 0, 0
	err := program.VerifyAudit(ctx, o.only, o.noted, func(chain audit.Chain) error {
		chains++
		if chain.Break != nil {
			broken++
		}
		return o.print(out, chain)
	})
	if err == nil && broken > 0 {
		err = fmt.Errorf("audit verify: %d of %d logs are not in order: %w", broken, chains, errFindings)
	}
	return err
}

func (o *verifyOptions) print(out io.Writer, chain audit.Chain) error {
	if o.format == "json" {
		return json.NewEncoder(out).Encode(chain)
	}
	verdict := "ok"
	if chain.Break != nil {
		verdict = fmt.Sprintf("BROKEN at event %d (%s): %s; in order up to", chain.Break.Seq, chain.Break.Kind, chain.Break.Detail)
	}
	_, err := fmt.Fprintf(out, "%s: %s %d:%s\n", chain.TenantID, verdict, chain.Seq, chain.Hash)
	return err
}
