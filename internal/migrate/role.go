package migrate

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/sql/catalog"
)

// RolePower is what a role could do beyond row level security, itself or through a role it is a member of.
type RolePower struct {
	Name           string `db:"name"`
	Superuser      bool   `db:"superuser"`
	BypassRLS      bool   `db:"bypass_rls"`
	CreateRole     bool   `db:"create_role"`
	CreateDatabase bool   `db:"create_database"`
	Replication    bool   `db:"replication"`
	// OwnedTables counts the tables it owns, in every schema: an owner can switch row level security off.
	OwnedTables int64 `db:"owned_tables"`
}

// Querier is a connection, pool or transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// CheckRole reports what the connected role could do.
func CheckRole(ctx context.Context, db Querier) (RolePower, error) {
	rows, err := db.Query(ctx, catalog.Read("role_power"))
	if err != nil {
		return RolePower{}, fmt.Errorf("check the database role: %w", err)
	}
	power, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[RolePower])
	if err != nil {
		return RolePower{}, fmt.Errorf("check the database role: %w", err)
	}
	return power, nil
}

// Err returns why the role must not be used at run time, nil when it may.
func (p RolePower) Err() error {
	var why string
	switch {
	case p.Superuser:
		why = "is a superuser"
	case p.BypassRLS:
		why = "bypasses row level security"
	case p.Replication:
		why = "may replicate, and so read everything"
	case p.CreateRole:
		why = "may create roles, and so become another one"
	case p.OwnedTables > 0:
		why = fmt.Sprintf("owns %d tables, and so could switch row level security off", p.OwnedTables)
	default:
		return nil
	}
	return fmt.Errorf("database role %s (or a role it is a member of) %s: use %s and %s", p.Name, why, AppRole, SystemRole)
}
