package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/palisade-sec/palisade/internal/api"
	"github.com/palisade-sec/palisade/internal/apidoc"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/health"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/policy"
)

// Release is the version of the program.
const Release = "0.1.0"

// How often one address may ask for health.
const (
	liveLimit  = "120/minute"
	readyLimit = "60/minute"
)

// mountOutside adds what stands beside the API's operations: health, the OpenAPI document, the page for people.
func (a *App) mountOutside() error {
	live, err := rest.ParseLimit(liveLimit)
	if err != nil {
		return err
	}
	ready, err := rest.ParseLimit(readyLimit)
	if err != nil {
		return err
	}
	config := health.Config{Release: Release, Logger: a.logger, Live: live.Allows, Ready: ready.Allows, Checks: []health.Check{{Name: "postgres", Run: a.Ping}}}
	if a.watchesPolicy {
		config.Advices = []health.Advice{{Name: "policy", Run: a.policyAdvice}}
	}
	a.Server.Mount("/health/live", health.Live(config))
	a.Server.Mount("/health/ready", health.Ready(config))
	a.Server.Mount(rest.BasePath+"/schema", apidoc.Schema(a.Server.OpenAPI()))
	a.Server.Mount(rest.BasePath+"/docs", apidoc.Docs(a.Server.OpenAPI(), rest.BasePath+"/schema", api.PendingTag))
	return nil
}

// policyAdvice says that a change of the policy folder was not taken; why stands in the log alone.
func (a *App) policyAdvice() string {
	if a.Policy.Status().Refused == nil {
		return ""
	}
	return "The content of the policy folder was refused; the policy that was active before stays active."
}

// Ping reports whether the database answers both roles.
func (a *App) Ping(ctx context.Context) error {
	return errors.Join(a.Tenants.Ping(ctx), a.System.Ping(ctx))
}

// Describe builds the server without anything behind it, for what is made from the operations' declarations: it can be
// described but not asked.
func Describe(ctx context.Context) (*rest.Server, error) {
	snapshot, err := authz.Load(ctx, PolicyFolders("", false))
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	operations, err := api.Operations(api.Parts{TokenLimit: rest.Unlimited}, snapshot.Operations())
	if err != nil {
		return nil, err
	}
	return rest.NewServer(rest.Config{Version: Release}, operations), nil
}

// policyEngine starts with the built-in policy, or with what a folder makes of it after examining that.
func policyEngine(ctx context.Context, settings Settings, logger *slog.Logger) (*authz.Engine, error) {
	folders := PolicyFolders(settings.PolicyDir, settings.PolicyReplace)
	if settings.PolicyDir != "" {
		engine, err := authz.New(ctx, folders, logger)
		if err != nil {
			return nil, fmt.Errorf("policy in %s: %w", settings.PolicyDir, err)
		}
		return engine, nil
	}
	shipped, err := authz.Load(ctx, folders)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return authz.Start(shipped, logger), nil
}

// PolicyFolders are the built-in policy and the folder laid over it, or the folder in its place; without a folder the
// built-in policy alone.
func PolicyFolders(dir string, replace bool) authz.Folders {
	switch {
	case dir == "":
		return authz.Folders{Base: policy.FS}
	case replace:
		return authz.Folders{Base: os.DirFS(dir)}
	}
	return authz.Folders{Base: policy.FS, Layer: os.DirFS(dir)}
}
