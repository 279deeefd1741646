package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The roles of the product. OwnerRole owns the database and runs the migrations; the other two are what the program
// works as, and neither owns anything.
const (
	OwnerRole  = "palisade_owner"
	AppRole    = "palisade_app"
	SystemRole = "palisade_system"
)

// Database is the usual name of the product's database.
const Database = "palisade"

// Bootstrap does what needs a superuser, once per server, and is safe to repeat: the owner role and the two runtime roles
// with their passwords, and the database. password returns the password of a role; an empty one leaves the role's
// password as it is. superuserURL connects to any database of the server.
func Bootstrap(ctx context.Context, superuserURL, database string, password func(role string) string) error {
	conn, err := pgx.Connect(ctx, superuserURL)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	optional := func(role string) *string {
		if p := password(role); p != "" {
			return &p
		}
		return nil
	}
	err = runGenerated(ctx, conn, "bootstrap", database, optional(OwnerRole), optional(AppRole), optional(SystemRole))
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	return nil
}

// runGenerated runs the statements that a query of sql/catalog returns. Statements about roles and databases take no
// parameters, so the database quotes the names and values itself.
func runGenerated(ctx context.Context, conn *pgx.Conn, name string, args ...any) error {
	statements, err := column(ctx, conn, name, args...)
	if err != nil {
		return err
	}
	for i, statement := range statements {
		if _, err := conn.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			// Neither the statement nor the server's quotation of it: it may hold a password.
			var pgErr *pgconn.PgError
			if errors.As(err, &pgErr) {
				err = fmt.Errorf("%s (SQLSTATE %s)", pgErr.Message, pgErr.Code)
			}
			return fmt.Errorf("%s, statement %d: %w", name, i+1, err)
		}
	}
	return nil
}

// CloneDatabase makes a database as a copy of another one to which nobody is connected, for tests.
func CloneDatabase(ctx context.Context, superuser *pgx.Conn, name, template string) error {
	return runGenerated(ctx, superuser, "clone_database", name, template)
}

// DropDatabase drops a database if it exists, ending the sessions in it.
func DropDatabase(ctx context.Context, superuser *pgx.Conn, name string) error {
	return runGenerated(ctx, superuser, "drop_database", name)
}
