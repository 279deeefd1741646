package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/policymatrix"
	"github.com/palisade-sec/palisade/internal/population"
	"github.com/palisade-sec/palisade/internal/session"
)

// errFindings says that a command has already printed what is wrong.
var errFindings = errors.New("see above")

func policyCommand() *cobra.Command {
	return group("policy", "Test, check, explain and compare the access policy",
		policyTestCommand(), policyCheckCommand(), policyExplainCommand(), policyDiffCommand(), policyMatrixCommand())
}

func policyTestCommand() *cobra.Command {
	var coverage bool
	var junit string
	command := &cobra.Command{
		Use:   "test",
		Short: "Run the policy's tests: the built-in ones against the built-in policy, yours against the whole",
		Args:  arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			settings, _, err := load(command)
			if err != nil {
				return err
			}
			report, err := authz.Test(command.Context(), app.PolicyFolders(settings.PolicyDir, settings.PolicyReplace), coverage)
			if err != nil {
				return err
			}
			if junit != "" {
				if err := writeFile(junit, report.WriteJUnit); err != nil {
					return err
				}
			}
			return printReport(command, report, coverage)
		},
	}
	command.Flags().BoolVar(&coverage, "coverage", true, "also measure which lines of the rules the tests reach, and fail when one is not")
	command.Flags().StringVar(&junit, "junit", "", "also write the outcome to this file, as JUnit XML")
	config.AddFlags(command.Flags(), "policy-dir", "policy-replace")
	return command
}

// writeFile writes a file that is whole or not there.
func writeFile(name string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if err := errors.Join(write(file), file.Chmod(0o644), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(file.Name(), name)
}

func printReport(command *cobra.Command, report authz.Report, coverage bool) error {
	out := command.OutOrStdout()
	for _, test := range report.Tests {
		verdict := "passed"
		switch {
		case test.Skipped:
			verdict = "skipped"
		case !test.Passed:
			verdict = "FAILED " + test.Error
		}
		fmt.Fprintf(out, "%s:%d %s %s\n", test.File, test.Row, test.Name, verdict)
		for _, one := range test.Cases {
			if !one.Passed {
				fmt.Fprintf(out, "    FAILED %s\n", one.Name)
			}
		}
	}
	for _, file := range report.Files {
		fmt.Fprintf(out, "%s: %.1f %% covered", file.File, file.Percent)
		if len(file.Uncovered) > 0 {
			fmt.Fprintf(out, ", not reached: %v", file.Uncovered)
		}
		fmt.Fprintln(out)
	}
	for _, operation := range report.Untested {
		fmt.Fprintf(out, "no test case for %s\n", operation)
	}
	if report.Bare() {
		fmt.Fprintln(out, "the policy folder has no tests")
	}
	fmt.Fprintf(out, "policy %s: %d tests\n", report.Revision, len(report.Tests))
	if !report.Passed() || len(report.Untested) > 0 || coverage && !report.Covered() {
		return fmt.Errorf("policy test: %w", errFindings)
	}
	return nil
}

func policyCheckCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "check",
		Short: "Examine format, strict mode, data, visibility rules and tests, as the server does before it takes a policy",
		Args:  arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			settings, _, err := load(command)
			if err != nil {
				return err
			}
			var problems authz.Problems
			err = authz.Check(command.Context(), app.PolicyFolders(settings.PolicyDir, settings.PolicyReplace))
			if errors.As(err, &problems) {
				fmt.Fprintln(command.OutOrStdout(), problems.Error())
				return fmt.Errorf("policy check: %d problems: %w", len(problems), errFindings)
			}
			if err == nil {
				fmt.Fprintln(command.OutOrStdout(), "no problems")
			}
			return err
		},
	}
	config.AddFlags(command.Flags(), "policy-dir", "policy-replace")
	return command
}

// question is what policy explain is asked.
type question struct {
	user, role, tenant, operation, email, credential, format string
}

func (q question) check() error {
	if (q.user == "") == (q.role == "") || q.operation == "" || q.role != "" && q.tenant == "" {
		return errors.New("want --operation and either --user (with or without --tenant) or --role with --tenant")
	}
	if q.email != "" && q.role == "" {
		return errors.New("--email goes with --role: a user has an address")
	}
	if q.credential != string(authz.Token) && q.credential != string(authz.APIKey) {
		return fmt.Errorf("--credential %q: want %s or %s", q.credential, authz.Token, authz.APIKey)
	}
	if q.format != "text" && q.format != "json" {
		return fmt.Errorf("--format %q: want text or json", q.format)
	}
	return nil
}

func policyExplainCommand() *cobra.Command {
	var asked question
	command := besideCommand("explain", "Explain one decision: which rule made it, and what the subject sees and why", arguments(cobra.NoArgs),
		func(ctx context.Context, command *cobra.Command, program *app.App, _ []string) error {
			if err := asked.check(); err != nil {
				return usageError{err}
			}
			inside := uuid.Nil
			if asked.tenant != "" {
				var err error
				if inside, err = uuid.Parse(asked.tenant); err != nil {
					return usageError{fmt.Errorf("--tenant %q is no UUID", asked.tenant)}
				}
			}
			explanation, err := explain(ctx, program, asked, inside)
			if err != nil {
				return err
			}
			if asked.format == "json" {
				encoder := json.NewEncoder(command.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(explanation.JSON())
			}
			_, err = fmt.Fprint(command.OutOrStdout(), explanation)
			return err
		})
	command.Example = "  palisade policy explain --user ana@example.com --operation providers.create"
	command.Flags().StringVar(&asked.user, "user", "", "address of a person")
	command.Flags().StringVar(&asked.role, "role", "", "name of a role, for somebody who holds that role alone")
	command.Flags().StringVar(&asked.tenant, "tenant", "", "id of the tenant (default: the one that the person enters)")
	command.Flags().StringVar(&asked.operation, "operation", "", "what is asked for, e.g. providers.create")
	command.Flags().StringVar(&asked.email, "email", "", "with --role: the address that somebody with the role has")
	command.Flags().StringVar(&asked.credential, "credential", string(authz.Token), "what the subject comes with: token or api_key")
	command.Flags().StringVar(&asked.format, "format", "text", "text or json")
	return command
}

func explain(ctx context.Context, program *app.App, asked question, inside uuid.UUID) (authz.Explanation, error) {
	subject, err := subjectOf(ctx, program, asked.user, asked.role, inside)
	if err != nil {
		return authz.Explanation{}, err
	}
	subject.Credential = authz.Credential(asked.credential)
	if asked.email != "" {
		subject.Email = asked.email
	}
	explanation, err := program.Policy.Explain(ctx, subject, authz.Operation(asked.operation))
	if err != nil {
		return authz.Explanation{}, err
	}
	providers, err := population.Providers(ctx, program.Tenants, subject.TenantID)
	if err != nil {
		return authz.Explanation{}, err
	}
	explanation.Examine(providers)
	return explanation, nil
}

func subjectOf(ctx context.Context, program *app.App, user, role string, tenant uuid.UUID) (authz.Subject, error) {
	if user != "" {
		return session.SubjectOf(ctx, program.System, user, tenant)
	}
	return session.SubjectWith(ctx, program.Tenants, role, tenant)
}

func policyMatrixCommand() *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:   "matrix",
		Short: "Print who may do what: every operation by permission, asked of the policy",
		Args:  arguments(cobra.NoArgs),
		RunE: func(command *cobra.Command, _ []string) error {
			settings, _, err := load(command)
			if err != nil {
				return err
			}
			write, ok := map[string]func(policymatrix.Matrix, io.Writer) error{"text": policymatrix.Matrix.WriteText, "csv": policymatrix.Matrix.WriteCSV,
				"markdown": policymatrix.Matrix.WriteMarkdown, "json": policymatrix.Matrix.WriteJSON}[format]
			if !ok {
				return usageError{fmt.Errorf("--format %q: want text, csv, markdown or json", format)}
			}
			policy, err := authz.Load(command.Context(), app.PolicyFolders(settings.PolicyDir, settings.PolicyReplace))
			if err != nil {
				return err
			}
			matrix, err := policymatrix.Make(command.Context(), policy)
			if err != nil {
				return err
			}
			return write(matrix, command.OutOrStdout())
		},
	}
	command.Flags().StringVar(&format, "format", "text", "text, csv, markdown or json")
	config.AddFlags(command.Flags(), "policy-dir", "policy-replace")
	return command
}
