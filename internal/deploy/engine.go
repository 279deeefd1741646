package deploy

import (
	"context"
	"fmt"
)

var engineChecks = []Check{
	{ID: "engine.installed", Severity: Warning, Always: true, Title: "there is a scan engine, with all that it needs",
		Remedy: "install Prowler and name the interpreter that has it in prowler-python, and trivy for repositories and images; or leave it " +
			"where this process does not scan", find: findEngine},
}

const noEngine = unknown("no engine is known to this command")

func findEngine(ctx context.Context, d *Deployment) ([]string, error) {
	if d.Engine == nil {
		return nil, noEngine
	}
	report, err := d.Engine(ctx)
	switch {
	case err != nil:
		return nil, err
	case report.Problem != "" && report.Err != nil:
		return []string{report.Err.Error()}, nil
	case report.Problem != "":
		return []string{report.Problem}, nil
	}
	var problems []string
	for _, one := range report.Providers {
		problems = append(problems, when(!one.Usable, "%s cannot be scanned for want of %s", one.Type, one.Lacks)...)
	}
	if len(report.Providers) == 0 {
		problems = []string{fmt.Sprintf("%s %s serves no provider type", report.Name, report.Version)}
	}
	return problems, nil
}
