package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/session"
)

// errFindings says that a command has already printed what is wrong.
var errFindings = errors.New("see above")

func policyCommand() *cobra.Command {
	return group("policy", "Test, check and explain the access policy", policyTestCommand(), policyCheckCommand(), policyExplainCommand())
}

func policyTestCommand() *cobra.Command {
	var coverage bool
	command := &cobra.Command{
		Use:   "test",
		Short: "Run the policy's tests",
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
			return printReport(command, report, coverage)
		},
	}
	command.Flags().BoolVar(&coverage, "coverage", false, "also measure which lines of the rules the tests reach, and fail when one is not")
	config.AddFlags(command.Flags(), "policy-dir", "policy-replace")
	return command
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

func policyExplainCommand() *cobra.Command {
	var user, role, tenant, operation string
	command := besideCommand("explain", "Explain one decision: which rule made it, and what the subject sees", arguments(cobra.NoArgs),
		func(ctx context.Context, command *cobra.Command, program *app.App, _ []string) error {
			if (user == "") == (role == "") || operation == "" || role != "" && tenant == "" {
				return usageError{errors.New("want --operation and either --user (with or without --tenant) or --role with --tenant")}
			}
			inside := uuid.Nil
			if tenant != "" {
				var err error
				if inside, err = uuid.Parse(tenant); err != nil {
					return usageError{fmt.Errorf("--tenant %q is no UUID", tenant)}
				}
			}
			subject, err := subjectOf(ctx, program, user, role, inside)
			if err != nil {
				return err
			}
			explanation, err := program.Policy.Explain(ctx, subject, authz.Operation(operation))
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(command.OutOrStdout(), explanation)
			return err
		})
	command.Example = "  palisade policy explain --user ana@example.com --operation providers.create"
	command.Flags().StringVar(&user, "user", "", "address of a person")
	command.Flags().StringVar(&role, "role", "", "name of a role, for somebody who holds that role alone")
	command.Flags().StringVar(&tenant, "tenant", "", "id of the tenant (default: the one that the person enters)")
	command.Flags().StringVar(&operation, "operation", "", "what is asked for, e.g. providers.create")
	return command
}

func subjectOf(ctx context.Context, program *app.App, user, role string, tenant uuid.UUID) (authz.Subject, error) {
	if user != "" {
		return session.SubjectOf(ctx, program.System, user, tenant)
	}
	return session.SubjectWith(ctx, program.Tenants, role, tenant)
}
