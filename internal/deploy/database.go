package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/migrations"
)

var databaseChecks = []Check{
	{ID: "database.role", Severity: Fatal, Always: true, Title: "the database roles cannot pass row level security",
		Remedy: "connect as palisade_app and palisade_system, as palisade migrate makes them; alter role ... nosuperuser nobypassrls nocreaterole noreplication",
		find:   findPowers},
	{ID: "database.row-security", Severity: Fatal, Always: true, Title: "every table has its row level security",
		Remedy: "undo what was changed by hand (migrations/schema.sql is how it should be), and keep tables of your own in another database", find: findOpenTables},
	{ID: "database.wall", Severity: Error, Always: true, Title: "no key, view, function or grant goes round the wall",
		Remedy: "undo what was changed by hand: migrations/schema.sql is how it should be", find: findOtherFaults},
	{ID: "database.role-name", Severity: Error, Always: true, Title: "each connection string is for its own role",
		Remedy: "set database-url for palisade_app and database-system-url for palisade_system", find: findRoleNames},
	{ID: "database.migrations", Severity: Error, Always: true, Title: "the schema is current",
		Remedy: "palisade migrate up", find: findPending},
	{ID: "database.version", Severity: Error, Always: true, Title: "the database server is Postgres 15 or newer",
		Remedy: "upgrade the server", find: findOldServers},
	{ID: "database.tls", Severity: Error, Title: "connections to the database are encrypted and go to the right server",
		Remedy: "connect with sslmode=verify-full, or over a local socket", find: findOpenConnections},
	{ID: "database.connections", Severity: Error, Title: "the server takes the connections of all processes",
		Remedy: "lower database-max-conns, or raise max_connections of the server or the role's connection limit", find: findTooFewConnections},
	{ID: "database.statement-timeout", Severity: Warning, Title: "the roles have a statement timeout of their own",
		Remedy: "give palisade_app and palisade_system one of 15 minutes or so (alter role ... set statement_timeout): the program sets a shorter one in every transaction of its own, this one catches the rest",
		find:   findNoStatementTimeout},
	{ID: "database.embedded", Severity: Warning, Title: "the database is one with replicas and backups",
		Remedy: "set database-url and database-system-url; or back the data folder's Postgres up yourself", find: findEmbedded},
}

// oldestVersion is the oldest Postgres that the program is tested with.
const oldestVersion = 150000

// connection is one of the connection strings.
type connection struct {
	key, url string
	role     string // the role that it is for
	runtime  bool   // the program works with it, not migrations alone
}

// connections are those that are set.
func (d *Deployment) connections() []connection {
	all := []connection{
		{"database-url", d.AppURL, migrate.AppRole, true},
		{"database-system-url", d.SystemURL, migrate.SystemRole, true},
		{"database-replica-url", d.Settings.AppReplicaURL, migrate.AppRole, true},
		{"database-system-replica-url", d.Settings.SystemReplicaURL, migrate.SystemRole, true},
		{"database-owner-url", d.OwnerURL, migrate.OwnerRole, false},
	}
	return slices.DeleteFunc(all, func(c connection) bool { return c.url == "" })
}

// examineRuntime calls find with what each of the program's connections leads to.
func (d *Deployment) examineRuntime(ctx context.Context, find func(connection, migrate.ServerState) string) ([]string, error) {
	var problems []string
	for _, one := range d.connections() {
		if !one.runtime {
			continue
		}
		state, err := d.inspect(ctx, one.url)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.key, err)
		}
		if problem := find(one, state); problem != "" {
			problems = append(problems, one.key+": "+problem)
		}
	}
	return problems, nil
}

// inspect connects to each server once.
func (d *Deployment) inspect(ctx context.Context, url string) (migrate.ServerState, error) {
	if state, done := d.states[url]; done {
		return state, nil
	}
	state, err := migrate.Inspect(ctx, url)
	if err != nil {
		return state, err
	}
	if d.states == nil {
		d.states = make(map[string]migrate.ServerState)
	}
	d.states[url] = state
	return state, nil
}

func findPowers(ctx context.Context, d *Deployment) ([]string, error) {
	return d.examineRuntime(ctx, func(_ connection, state migrate.ServerState) string {
		if err := state.Power.Err(); err != nil {
			return err.Error()
		}
		return ""
	})
}

func findRoleNames(ctx context.Context, d *Deployment) ([]string, error) {
	return d.examineRuntime(ctx, func(one connection, state migrate.ServerState) string {
		if state.Role != one.role {
			return fmt.Sprintf("connects as %s, and is for %s", state.Role, one.role)
		}
		return ""
	})
}

// wallFaults looks at the catalogue once.
func (d *Deployment) wallFaults(ctx context.Context) ([]string, error) {
	if d.faults == nil {
		faults, err := migrate.WallFaults(ctx, d.AppURL)
		if err != nil {
			return nil, fmt.Errorf("%w (is the schema there? palisade migrate up makes it)", err)
		}
		d.faults = &faults
	}
	return *d.faults, nil
}

func findOpenTables(ctx context.Context, d *Deployment) ([]string, error) {
	faults, err := d.wallFaults(ctx)
	return slices.DeleteFunc(slices.Clone(faults), func(fault string) bool { return !exposesRows(fault) }), err
}

func findOtherFaults(ctx context.Context, d *Deployment) ([]string, error) {
	faults, err := d.wallFaults(ctx)
	return slices.DeleteFunc(slices.Clone(faults), exposesRows), err
}

// exposesRows reports whether a fault of the wall is one of row level security itself, so that rows may show to other tenants.
func exposesRows(fault string) bool {
	_, what, _ := strings.Cut(fault, ": ")
	return strings.Contains(what, "row level security is not") || strings.Contains(what, "policy") || what == "has no wall"
}

func findPending(ctx context.Context, d *Deployment) ([]string, error) {
	if d.OwnerURL == "" {
		return nil, unknown("only the owner may read which migrations were applied: set database-owner-url")
	}
	steps, err := migrate.Status(ctx, d.OwnerURL, migrations.FS)
	if err != nil {
		return nil, err
	}
	var pending []string
	for _, step := range steps {
		if !step.Applied {
			pending = append(pending, "pending: "+step.Name)
		}
	}
	return pending, nil
}

func findOldServers(ctx context.Context, d *Deployment) ([]string, error) {
	return d.examineRuntime(ctx, func(_ connection, state migrate.ServerState) string { return tooOld(state.Version) })
}

func tooOld(version int) string {
	if version < oldestVersion {
		return fmt.Sprintf("the server is Postgres %d", version/10000)
	}
	return ""
}

func findOpenConnections(_ context.Context, d *Deployment) ([]string, error) {
	if d.Settings.Embedded() {
		return nil, nil // its connections stay on the machine
	}
	var problems []string
	for _, one := range d.connections() {
		if !isVerified(one.url) {
			problems = append(problems, one.key+": anybody between the program and the database could read along or answer for it")
		}
	}
	return problems, nil
}

// isVerified reports whether a connection string leads over TLS to a server whose name is checked, or stays on the machine.
func isVerified(connection string) bool {
	parsed, err := url.Parse(connection)
	if err != nil {
		return false
	}
	host := parsed.Hostname()
	if given := parsed.Query().Get("host"); given != "" {
		host = given
	}
	return parsed.Query().Get("sslmode") == "verify-full" || strings.HasPrefix(host, "/")
}

// apart is the connections that are left to migrations and administrators.
const apart = 5

func findTooFewConnections(ctx context.Context, d *Deployment) ([]string, error) {
	servers, each := max(d.Servers, 1), d.Settings.MaxConns
	problems, err := d.examineRuntime(ctx, func(_ connection, state migrate.ServerState) string {
		// Both roles' pools lead to the same server.
		if wanted := 2*servers*each + apart; wanted > state.Connections {
			return fmt.Sprintf("%d processes may open %d connections for each of two roles, with %d to spare that is %d; the server takes %d",
				servers, each, apart, wanted, state.Connections)
		}
		if state.RoleConnections >= 0 && servers*each > state.RoleConnections {
			return fmt.Sprintf("%d processes may open %d connections; the role %s may have %d", servers, servers*each, state.Role, state.RoleConnections)
		}
		return ""
	})
	return problems, err
}

func findNoStatementTimeout(ctx context.Context, d *Deployment) ([]string, error) {
	return d.examineRuntime(ctx, func(_ connection, state migrate.ServerState) string {
		if state.StatementTimeout == 0 {
			return "a statement of " + state.Role + " outside the program's transactions may run for ever"
		}
		return ""
	})
}

func findEmbedded(_ context.Context, d *Deployment) ([]string, error) {
	if d.Settings.Embedded() {
		return []string{"the database is the program's own, in " + d.Settings.PostgresDir() + ": one server, without replica or backup"}, nil
	}
	return nil, nil
}

// errNoPolicy is a mistake of the caller.
var errNoPolicy = errors.New("nothing to examine was given")
