package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	sql "github.com/palisade-sec/palisade/sql/bench"
	"github.com/palisade-sec/palisade/sql/scope"
)

// request is something that people ask for. One that is about all scans has a longer answer the more scans there are.
type request struct {
	name, path string
	all        bool
}

// subject is what the newest completed scan offers to be asked for.
type subject struct {
	scan                     uuid.UUID
	findings, scans          int // of the newest scan; all that have completed
	finding, resource        uuid.UUID
	uid, check, day, monthly string
}

// firstUID is the uid of the finding that every scan of the made file has, however small.
var firstUID = fmt.Sprint(madeFile(1).Finding(0)["finding_info"].(map[string]any)["uid"])

// requests are the lists and objects whose speed matters.
func requests(s subject) []request {
	scan, framework := "filter[scan_id]="+s.scan.String(), "filter[compliance_id]="+frameworkID
	const newest, page = "/findings/latest?page[size]=20", "page[size]=20"
	return []request{
		{name: "findings, sorted, include", path: newest + "&sort=status,severity,-inserted_at&include=resources,scan.provider"},
		{name: "findings, filters", path: newest + "&filter[status]=FAIL&filter[severity.in]=critical,high"},
		{name: "findings, region and service", path: newest + "&filter[region]=eu-west-1&filter[service]=s3"},
		{name: "findings, resource name", path: newest + "&filter[resource_name]=s3-9"},
		{name: "findings of a day", path: "/findings?" + page + "&filter[inserted_at]=" + s.day, all: true},
		{name: "findings, page in the middle", path: fmt.Sprintf("%s&page[number]=%d", newest, max(s.findings/40, 1))},
		{name: "findings, by cursor", path: newest + "&page[after]="},
		{name: "one finding, include", path: "/findings/" + s.finding.String() + "?include=resources,scan.provider"},
		{name: "search, one resource", path: newest + "&filter[search]=s3-9"},
		{name: "search, one check", path: newest + "&filter[search]=kms_sample_check_3"},
		{name: "search, every finding", path: newest + "&filter[search]=sample"},
		{name: "search, nothing", path: newest + "&filter[search]=lamp"},
		{name: "history of a finding", path: "/findings/" + url.PathEscape(s.uid) + "/history?" + page},
		{name: "history, seen by every scan", path: "/findings/" + url.PathEscape(firstUID) + "/history?" + page, all: true},
		{name: "findings/metadata/latest", path: "/findings/metadata/latest"},
		{name: "findings/metadata, filters", path: "/findings/metadata?filter[inserted_at]=" + s.day + "&filter[region]=eu-west-1&filter[status]=FAIL", all: true},
		{name: "finding-groups/latest", path: "/finding-groups/latest?" + page},
		{name: "finding-groups of a day", path: "/finding-groups?" + page + "&filter[inserted_at]=" + s.day},
		{name: "finding-groups, resources", path: "/finding-groups/" + s.check + "/resources?" + page + "&filter[inserted_at]=" + s.day},
		{name: "finding-groups/latest, resources", path: "/finding-groups/latest/" + s.check + "/resources?" + page},
		{name: "resources/latest", path: "/resources/latest?" + page},
		{name: "resources, filters", path: "/resources?" + page + "&filter[region]=eu-west-1&filter[service]=s3&filter[updated_at]=" + s.day},
		{name: "resources/metadata/latest", path: "/resources/metadata/latest"},
		{name: "one resource, its findings", path: "/resources/" + s.resource.String() + "?include=findings,provider"},
		{name: "scans", path: "/scans?" + page, all: true},
		{name: "one scan", path: "/scans/" + s.scan.String()},
		{name: "compliance of a scan", path: "/compliance-overviews?" + scan},
		{name: "compliance, requirements", path: "/compliance-overviews/requirements?" + scan + "&" + framework},
		{name: "compliance, metadata", path: "/compliance-overviews/metadata?" + scan},
		{name: "compliance, attributes", path: "/compliance-overviews/attributes?" + framework},
		{name: "compliance of newest scans", path: "/compliance-overviews?filter[provider_type]=aws"},
		{name: "compliance, across providers", path: "/compliance-overviews/providers?" + framework},
		{name: "overviews/findings", path: "/overviews/findings"},
		{name: "overviews/findings_severity", path: "/overviews/findings_severity"},
		{name: "overviews, severities of 30 days", path: "/overviews/findings_severity/timeseries?filter[date_from]=" + s.monthly},
		{name: "overviews/services", path: "/overviews/services"},
		{name: "overviews/regions", path: "/overviews/regions"},
		{name: "overviews/categories", path: "/overviews/categories"},
		{name: "overviews/resource-groups", path: "/overviews/resource-groups"},
		{name: "overviews/attack-surfaces", path: "/overviews/attack-surfaces"},
		{name: "overviews/threatscore", path: "/overviews/threatscore"},
		{name: "overviews/compliance-watchlist", path: "/overviews/compliance-watchlist"},
		{name: "overviews/providers", path: "/overviews/providers"},
	}
}

// concurrency is how many clients ask at once, one figure after the other.
var concurrency = []int{1, 8}

// lists measures the requests through HTTP, beside the statements that they make on connections that are in the tenant for good.
func (b *bench) lists(ctx context.Context) error {
	about, err := b.ready(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(b.out, "\nThrough HTTP on the newest of %d scans, which has %d findings. \"of bare\": requests/s as a share of what the same statements reach\n"+
		"on connections that are in the tenant for good, in the same run, with as many clients; \"trips\": exchanges with the database in the tenant.\n", about.scans, about.findings)
	lines := begin(b.out, wide, "trips", "p50", "p95", "requests/s", "of bare", "8 clients: p50", "p95", "requests/s", "of bare")
	for _, one := range requests(about) {
		if err := b.client.renew(ctx); err != nil {
			return err
		}
		trips, err := b.beside.trips(ctx, one.path)
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		line := []any{one.name, len(trips)}
		for _, clients := range concurrency {
			seen, err := measure(ctx, clients, b.options.Reading, b.client.get(one.path), b.replay(trips))
			if err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			through, bare := seen[0], seen[1]
			line = append(line, milliseconds(through.p50), milliseconds(through.p95), perSecond(through.rate), percent(through.rate/bare.rate))
		}
		lines.line(line...)
	}
	return nil
}

// planMode is how the program has the statements of a request planned: for their values or once for all, see sql/scope/open.sql.
func planMode(trips []trip) string {
	for _, one := range trips {
		for _, said := range one.opening {
			if mode, ok := said.args[len(said.args)-1].(string); ok && said.sql == scope.Open {
				return mode
			}
		}
	}
	return "auto"
}

// replay sends the statements of a request as the program does, on a connection that is in the tenant for good, and throws the
// rows away.
func (b *bench) replay(trips []trip) way {
	return func(ctx context.Context) (worker, error) {
		conn, err := bare(ctx, b.server.appURL, b.tenant, planMode(trips))
		if err != nil {
			return worker{}, err
		}
		return worker{close: func() { _ = conn.Close(context.WithoutCancel(ctx)) }, read: func(ctx context.Context) error {
			for _, one := range trips {
				batch := &pgx.Batch{}
				for _, asked := range one.statements {
					batch.Queue(asked.sql, asked.args...)
				}
				if err := conn.SendBatch(ctx, batch).Close(); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}
}

// older ingests the scans that lie behind the one that is measured.
func (b *bench) older(ctx context.Context) error {
	for i := range b.options.Older {
		file := madeFile(b.options.OlderFindings)
		file.Flip = 2 + i%5
		if err := b.ingestMade(ctx, file); err != nil {
			return fmt.Errorf("ingest an older scan: %w", err)
		}
	}
	return nil
}

// settle waits until the words of the newest scan have been found, and says what can be asked.
func (b *bench) settle(ctx context.Context) (subject, error) {
	conn, err := bare(ctx, b.server.appURL, b.tenant, "auto")
	if err != nil {
		return subject{}, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for known := false; !known; {
		if err := conn.QueryRow(ctx, sql.Read("words_known")).Scan(&known); err != nil {
			return subject{}, fmt.Errorf("look for words: %w", err)
		}
		select {
		case <-ctx.Done():
			return subject{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return b.about(ctx, conn)
}

// ready is settle, and has the database in the state that it is in some minutes after a scan.
func (b *bench) ready(ctx context.Context) (subject, error) {
	about, err := b.settle(ctx)
	if err != nil {
		return about, err
	}
	conn, err := pgx.Connect(ctx, b.server.ownerURL)
	if err != nil {
		return about, errors.New("connect: the database does not answer")
	}
	_, err = conn.Exec(ctx, sql.Read("vacuum"))
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return about, fmt.Errorf("clean up: %w", err)
	}
	return about, nil
}

// errNothing says that no scan has completed.
var errNothing = errors.New("there is no completed scan")

func (b *bench) about(ctx context.Context, conn *pgx.Conn) (s subject, err error) {
	err = conn.QueryRow(ctx, sql.Read("subject")).Scan(&s.scan, &s.findings, &s.scans, &s.finding, &s.uid, &s.check, &s.resource, &s.day)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, errNothing
	}
	if err != nil {
		return s, fmt.Errorf("look at the newest scan: %w", err)
	}
	day, err := time.Parse(time.DateOnly, s.day)
	s.monthly = day.AddDate(0, 0, -30).Format(time.DateOnly)
	return s, err
}
