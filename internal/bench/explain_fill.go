package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/ocsftest"
	sql "github.com/palisade-sec/palisade/sql/bench"
)

// The accounts beside the one with most findings: one that has a few, and one that has some.
const (
	smallAccount  = "210987654321"
	middleAccount = "345678901234"
)

// otherEmail is the address of the owner of another organisation.
const otherEmail = "other@explain.example"

// fill makes the rows that are to be read, unless they are there: scans of several accounts and of another organisation through
// ingestion, everything else in SQL.
func (e *explainer) fill(ctx context.Context) (err error) {
	conn, err := pgx.Connect(ctx, e.superURL)
	if err != nil {
		return errors.New("connect: the database does not answer")
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var ready bool
	if err := conn.QueryRow(ctx, sql.Read("explain_ready"), e.options.Findings, e.tenant).Scan(&ready); err != nil || ready {
		return err
	}
	began := time.Now()
	_, _ = fmt.Fprintf(e.out, "making %d findings, and more of others\n", e.options.Findings)
	other := newClient(e.client.base)
	theirs, err := other.join(ctx, otherEmail)
	if err != nil {
		return err
	}
	if err := e.accounts(ctx, other); err != nil {
		return err
	}
	small, err := e.client.create(ctx, "/providers", "providers", map[string]any{"provider": "aws", "uid": smallAccount, "alias": "Small"})
	if err != nil {
		return err
	}
	for _, one := range e.files() {
		if one.theirs {
			err = hand(ctx, other, otherEmail, one.file)
		} else {
			err = hand(ctx, e.client, email, one.file)
		}
		if err != nil {
			return fmt.Errorf("ingest %d findings of %s: %w", one.file.Findings, one.file.Account, err)
		}
	}
	if err := e.furnish(ctx, conn, theirs, small.Data.ID); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(e.out, "made in %s\n\n", seconds(time.Since(began)))
	return nil
}

// furnish makes everything but findings.
func (e *explainer) furnish(ctx context.Context, conn *pgx.Conn, theirs, small string) error {
	if err := e.idle(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, sql.Read("explain_arguments"), e.tenant, theirs, small, strconv.Itoa(e.rows)); err != nil {
		return err
	}
	for _, step := range []string{"explain_world", "explain_vacuum"} {
		if _, err := conn.PgConn().Exec(ctx, sql.Read(step)).ReadAll(); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	return nil
}

func (e *explainer) accounts(ctx context.Context, other *client) error {
	if _, err := other.create(ctx, "/providers", "providers", map[string]any{"provider": "aws", "uid": madeAccount}); err != nil {
		return err
	}
	_, err := e.client.create(ctx, "/providers", "providers", map[string]any{"provider": "aws", "uid": middleAccount, "alias": "Middle"})
	return err
}

type handed struct {
	theirs bool
	file   ocsftest.File
}

// files are the scans in their order: half of the findings are those of the newest scan of one account.
func (e *explainer) files() []handed {
	all := e.options.Findings
	files := []handed{{theirs: true, file: ocsftest.File{Account: madeAccount, Findings: all * 3 / 10, Padding: 200}}}
	for i := range 8 {
		files = append(files, handed{file: ocsftest.File{Account: madeAccount, Findings: all / 20, Padding: 200, Flip: 2 + i%5}})
	}
	return append(files, handed{file: ocsftest.File{Account: smallAccount, Findings: 3}},
		handed{file: ocsftest.File{Account: middleAccount, Findings: all / 10, Padding: 200}},
		handed{file: ocsftest.File{Account: madeAccount, Findings: all / 2, Padding: 200, Flip: 7}})
}

// hand hands in a made file while it is made.
func hand(ctx context.Context, person *client, address string, file ocsftest.File) error {
	if err := person.enterAs(ctx, address); err != nil {
		return err
	}
	content, writer := io.Pipe()
	go func() { _ = writer.CloseWithError(file.Write(writer)) }()
	_, err := person.ingest(ctx, content)
	return errors.Join(err, content.Close())
}

// idle waits until what ingestion leaves to be done is done.
func (e *explainer) idle(ctx context.Context, conn *pgx.Conn) error {
	for idle := false; !idle; {
		if err := conn.QueryRow(ctx, sql.Read("explain_idle")).Scan(&idle); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}
