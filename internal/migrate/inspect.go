package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/sql/catalog"
)

// ServerState is what a connection string leads to.
type ServerState struct {
	Version          int    `db:"version"`           // e.g. 150004
	Connections      int    `db:"connections"`       // that the server takes from roles like this one
	Role             string `db:"role"`              // the role connected as
	RoleConnections  int    `db:"role_connections"`  // that the role may have; -1: no limit of its own
	StatementTimeout int64  `db:"statement_timeout"` // milliseconds; 0: none

	Power RolePower `db:"-"`
}

// Inspect connects and looks around. It changes nothing.
func Inspect(ctx context.Context, url string) (ServerState, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// The driver's message may quote the connection string, which holds a password.
		return ServerState{}, errors.New("not a valid connection string")
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return ServerState{}, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, catalog.Read("server_state"))
	if err != nil {
		return ServerState{}, fmt.Errorf("inspect the server: %w", err)
	}
	state, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[ServerState])
	if err != nil {
		return ServerState{}, fmt.Errorf("inspect the server: %w", err)
	}
	state.Power, err = CheckRole(ctx, conn)
	return state, err
}
