package deploy

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
)

var policyChecks = []Check{
	{ID: "policy.examination", Severity: Error, Always: true, Title: "the access policy passes its examination and tests",
		Remedy: "palisade policy check says what is wrong and where", find: findPolicyFaults},
	{ID: "policy.folder", Severity: Error, Title: "nobody but their owner may change the access rules",
		Remedy: "chmod -R go-w the policy folder", find: findWritablePolicy},
}

func findPolicyFaults(ctx context.Context, d *Deployment) ([]string, error) {
	if d.Policy == nil {
		return nil, errNoPolicy
	}
	if err := d.Policy(ctx); err != nil {
		return []string{err.Error()}, nil
	}
	return nil, nil
}

func findWritablePolicy(_ context.Context, d *Deployment) ([]string, error) {
	if d.Settings.PolicyDir == "" {
		return nil, nil
	}
	var problems []string
	err := filepath.WalkDir(d.Settings.PolicyDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if entry.Type()&fs.ModeSymlink == 0 && info.Mode().Perm()&0o022 != 0 {
			problems = append(problems, fmt.Sprintf("%s may be changed by others (mode %04o)", path, info.Mode().Perm()))
		}
		return nil
	})
	return problems, err
}
