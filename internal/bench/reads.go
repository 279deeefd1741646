package bench

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/tenant"
	sql "github.com/palisade-sec/palisade/sql/bench"
)

// reads are the ways to read the same things.
type reads struct {
	client  *client
	appURL  string
	tenant  string
	tenants *tenant.Executor
	ids     []uuid.UUID
	next    atomic.Uint64
}

// worker does one read after the other, for one client.
type worker struct {
	read  func(ctx context.Context) error
	close func()
}

// way makes a worker.
type way func(ctx context.Context) (worker, error)

func newReads(ctx context.Context, client *client, appURL, tenantID string, tenants *tenant.Executor) (*reads, error) {
	r := &reads{client: client, appURL: appURL, tenant: tenantID, tenants: tenants}
	conn, err := bare(ctx, appURL, tenantID)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, sql.Read("some_findings"), 2000)
	if err != nil {
		return nil, err
	}
	if r.ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err == nil && len(r.ids) == 0 {
		err = errors.New("there are no findings to read")
	}
	return r, err
}

// bare is a connection that is in the tenant for good: what it runs pays for nothing but the statement.
func bare(ctx context.Context, url, tenantID string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, errors.New("connect: the database does not answer")
	}
	pgxuuid.Register(conn.TypeMap())
	if _, err := conn.Exec(ctx, sql.Read("open"), tenantID, "off"); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

func (r *reads) id() uuid.UUID { return r.ids[r.next.Add(1)%uint64(len(r.ids))] }

// pointBare reads one finding on a bare connection.
func (r *reads) pointBare(ctx context.Context) (worker, error) {
	conn, err := bare(ctx, r.appURL, r.tenant)
	if err != nil {
		return worker{}, err
	}
	text := sql.Read("point_read")
	return worker{close: func() { _ = conn.Close(context.WithoutCancel(ctx)) }, read: func(ctx context.Context) error {
		rows, err := conn.Query(ctx, text, true, false, true, []uuid.UUID{r.id()})
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[tenantdb.GetFindingsRow])
		return one(found, err)
	}}, nil
}

// pointExecutor reads one finding through the executor.
func (r *reads) pointExecutor(context.Context) (worker, error) {
	tenantID, err := uuid.Parse(r.tenant)
	if err != nil {
		return worker{}, err
	}
	scope := tenant.NewScope(tenantID, uuid.Nil, tenant.SeeAll())
	return worker{close: func() {}, read: func(ctx context.Context) error {
		found, err := tenantdb.New(r.tenants.Read(scope)).GetFindings(ctx,
			tenantdb.GetFindingsParams{WithMetadata: true, WithResources: true, Ids: []uuid.UUID{r.id()}})
		return one(found, err)
	}}, nil
}

// pointHTTP reads one finding through HTTP.
func (r *reads) pointHTTP(context.Context) (worker, error) {
	return worker{close: func() {}, read: func(ctx context.Context) error {
		_, err := r.client.do(ctx, "GET", "/findings/"+r.id().String(), "", nil)
		return err
	}}, nil
}

// pageSize is how many findings a page has.
const pageSize = 20

var marker = regexp.MustCompile(`/\* TEMPLATE_BEGIN: order \*/.*?/\* TEMPLATE_END \*/`)

// pageBare reads the first page of the newest scan's findings, in the order of the API, and counts them, on a bare connection.
func (r *reads) pageBare(ctx context.Context) (worker, error) {
	conn, err := bare(ctx, r.appURL, r.tenant)
	if err != nil {
		return worker{}, err
	}
	page := marker.ReplaceAllString(sql.Read("list_page"), "f.status_rank, f.severity_rank, f.id desc")
	count := sql.Read("count")
	newest := int64(1)
	return worker{close: func() { _ = conn.Close(context.WithoutCancel(ctx)) }, read: func(ctx context.Context) error {
		var counted int64
		if err := conn.QueryRow(ctx, count, true, true, true, true, true, &newest).Scan(&counted); err != nil {
			return err
		}
		rows, err := conn.Query(ctx, page, true, false, true, &newest, []int16{1, 2, 3}, []int16{1, 2, 3, 4, 5}, pageSize, 0, pageSize)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[tenantdb.ListFindingsRow])
		if err == nil && len(found) == 0 {
			err = errors.New("an empty page")
		}
		return err
	}}, nil
}

// pageHTTP reads the same page through HTTP.
func (r *reads) pageHTTP(context.Context) (worker, error) {
	path := fmt.Sprintf("/findings/latest?page[size]=%d&sort=status,severity,-inserted_at", pageSize)
	return worker{close: func() {}, read: func(ctx context.Context) error {
		_, err := r.client.do(ctx, "GET", path, "", nil)
		return err
	}}, nil
}

func one[T any](rows []T, err error) error {
	if err == nil && len(rows) != 1 {
		err = fmt.Errorf("%d rows instead of one", len(rows))
	}
	return err
}

// measure has a number of clients read for a while and returns reads in a second.
func measure(ctx context.Context, make way, clients int, duration time.Duration) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := []worker{}
	defer func() {
		for _, one := range workers {
			one.close()
		}
	}()
	for range clients {
		one, err := make(ctx)
		if err != nil {
			return 0, err
		}
		workers = append(workers, one)
		for range 20 { // statements are prepared, caches are filled
			if err := one.read(ctx); err != nil {
				return 0, err
			}
		}
	}
	var done atomic.Int64
	var running sync.WaitGroup
	began := time.Now()
	for _, one := range workers {
		running.Go(func() {
			for time.Since(began) < duration && ctx.Err() == nil {
				if err := one.read(ctx); err != nil {
					cancel(err)
					return
				}
				done.Add(1)
			}
		})
	}
	running.Wait()
	return float64(done.Load()) / time.Since(began).Seconds(), context.Cause(ctx)
}
