package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/finding"
	"github.com/palisade-sec/palisade/internal/tenant"
	sql "github.com/palisade-sec/palisade/sql/bench"
	"github.com/palisade-sec/palisade/sql/scope"
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
	conn, err := bare(ctx, appURL, tenantID, "auto")
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

// forGood opens a scope as the program does for reads, with what decides about plans, but for the whole session.
var forGood = strings.ReplaceAll(scope.Open, ", true)", ", false)")

// bare is a connection that is in the tenant for good: what it runs pays for nothing but the statement. mode is its plan_cache_mode.
func bare(ctx context.Context, url, tenantID, mode string) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, errors.New("connect: the database does not answer")
	}
	pgxuuid.Register(conn.TypeMap())
	for statement, args := range map[string][]any{forGood: {tenantID, "", "*", "", "0", "on", mode}, sql.Read("open"): nil} {
		if _, err := conn.Exec(ctx, statement, args...); err != nil {
			return nil, errors.Join(err, conn.Close(ctx))
		}
	}
	return conn, nil
}

func (r *reads) id() uuid.UUID { return r.ids[r.next.Add(1)%uint64(len(r.ids))] }

// pointBare reads one finding on a bare connection.
func (r *reads) pointBare(ctx context.Context) (worker, error) {
	conn, err := bare(ctx, r.appURL, r.tenant, "auto")
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
	conn, err := bare(ctx, r.appURL, r.tenant, "force_generic_plan")
	if err != nil {
		return worker{}, err
	}
	page := marker.ReplaceAllString(sql.Read("list_page"), "f.status_rank, f.severity_rank, f.id desc")
	count := sql.Read("count")
	newest := int64(1)
	return worker{close: func() { _ = conn.Close(context.WithoutCancel(ctx)) }, read: func(ctx context.Context) error {
		batch := &pgx.Batch{}
		batch.Queue(count, true, true, true, true, true, &newest, true)
		batch.Queue(page, true, false, true, &newest, []int16{1, 2, 3}, []int16{1, 2, 3, 4, 5}, pageSize, 0, pageSize)
		results := conn.SendBatch(ctx, batch)
		defer func() { _ = results.Close() }() // the rows have told of errors
		var counted int64
		if err := results.QueryRow().Scan(&counted); err != nil {
			return err
		}
		rows, err := results.Query()
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[tenantdb.ListFindingsRow])
		return some(found, err)
	}}, nil
}

// pageQuery is what the API is asked for.
var pageQuery = url.Values{"page[size]": {strconv.Itoa(pageSize)}, "sort": {"status,severity,-inserted_at"}}

// pageExecutor reads the same page through the executor, as the handler does.
func (r *reads) pageExecutor(context.Context) (worker, error) {
	tenantID, err := uuid.Parse(r.tenant)
	if err != nil {
		return worker{}, err
	}
	query, err := filter.Parse(filter.ParamsOf(pageQuery), finding.LatestQuery)
	if err != nil {
		return worker{}, err
	}
	reader, scope := finding.NewReader(r.tenants), tenant.NewScope(tenantID, uuid.Nil, tenant.SeeAll())
	return worker{close: func() {}, read: func(ctx context.Context) error {
		found, _, err := reader.Page(ctx, scope, query, finding.Newest, finding.Shape{Metadata: true, Resources: true})
		return some(found, err)
	}}, nil
}

// pageHTTP reads it through HTTP.
func (r *reads) pageHTTP(ctx context.Context) (worker, error) {
	return r.client.get("/findings/latest?" + pageQuery.Encode())(ctx)
}

func some[T any](rows []T, err error) error {
	if err == nil && len(rows) == 0 {
		err = errors.New("an empty page")
	}
	return err
}

func one[T any](rows []T, err error) error {
	if err == nil && len(rows) != 1 {
		err = fmt.Errorf("%d rows instead of one", len(rows))
	}
	return err
}

// sample is what a number of clients saw.
type sample struct {
	p50, p95 time.Duration
	rate     float64 // reads a second
}

// rounds is how often ways that are compared take turns, so that what else the machine does falls on all of them.
var rounds = 4

// measure has a number of clients read in each way for a while, the ways in turns.
func measure(ctx context.Context, clients int, duration time.Duration, ways ...way) ([]sample, error) {
	workers := make([][]worker, len(ways))
	defer func() {
		for _, one := range slices.Concat(workers...) {
			one.close()
		}
	}()
	for i, open := range ways {
		for range clients {
			one, err := open(ctx)
			if err != nil {
				return nil, err
			}
			workers[i] = append(workers[i], one)
		}
		if _, err := together(ctx, workers[i], func(taken int) bool { return taken < warming }); err != nil {
			return nil, err
		}
	}
	taken, elapsed := make([][]time.Duration, len(ways)), make([]time.Duration, len(ways))
	for range rounds {
		for i := range ways {
			began := time.Now()
			more, err := together(ctx, workers[i], func(taken int) bool { return taken == 0 || time.Since(began) < duration/time.Duration(rounds) })
			if err != nil {
				return nil, err
			}
			taken[i], elapsed[i] = append(taken[i], more...), elapsed[i]+time.Since(began)
		}
	}
	seen := make([]sample, len(ways))
	for i, all := range taken {
		slices.Sort(all)
		seen[i] = sample{p50: all[len(all)/2], p95: all[len(all)*95/100], rate: float64(len(all)) / elapsed[i].Seconds()}
	}
	return seen, nil
}

// warming is how many reads each client makes before it is measured: statements are prepared, plans settle after five.
var warming = 8

// together has all workers read while there is more to read, and returns how long each read took.
func together(ctx context.Context, workers []worker, more func(taken int) bool) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	taken := make([][]time.Duration, len(workers))
	for i, one := range workers {
		running.Go(func() {
			for more(len(taken[i])) && ctx.Err() == nil {
				began := time.Now()
				if err := one.read(ctx); err != nil {
					cancel(err)
					return
				}
				taken[i] = append(taken[i], time.Since(began))
			}
		})
	}
	running.Wait()
	return slices.Concat(taken...), context.Cause(ctx)
}
