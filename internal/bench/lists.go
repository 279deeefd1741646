package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/palisade-sec/palisade/internal/ocsftest"
	sql "github.com/palisade-sec/palisade/sql/bench"
)

// request is something that people ask for.
type request struct{ name, path string }

// requests are the lists whose speed matters, on a server whose newest scan is that of a made file of so many findings.
func requests(findings int, findingUID string) []request {
	today := time.Now().UTC().Format(time.DateOnly)
	return []request{
		{"findings, sorted, include", "/findings/latest?page[size]=20&sort=status,severity,-inserted_at&include=resources,scan.provider"},
		{"findings, filters", "/findings/latest?page[size]=20&filter[status]=FAIL&filter[severity.in]=critical,high"},
		{"findings, region and service", "/findings/latest?page[size]=20&filter[region]=eu-west-1&filter[service]=s3"},
		{"findings, resource name", "/findings/latest?page[size]=20&filter[resource_name]=s3-9"},
		{"findings of a day", "/findings?page[size]=20&filter[inserted_at]=" + today},
		{"findings, page in the middle", fmt.Sprintf("/findings/latest?page[size]=20&page[number]=%d", max(findings/40, 1))},
		{"findings, by cursor", "/findings/latest?page[size]=20&page[after]="},
		{"search, one resource", "/findings/latest?page[size]=20&filter[search]=s3-9"},
		{"search, one check", "/findings/latest?page[size]=20&filter[search]=kms_sample_check_3"},
		{"search, every finding", "/findings/latest?page[size]=20&filter[search]=sample"},
		{"search, nothing", "/findings/latest?page[size]=20&filter[search]=lamp"},
		{"history of a finding", "/findings/" + url.PathEscape(findingUID) + "/history?page[size]=20"},
		{"findings/metadata/latest", "/findings/metadata/latest"},
		{"finding-groups/latest", "/finding-groups/latest?page[size]=20"},
		{"resources/latest", "/resources/latest?page[size]=20"},
		{"scans", "/scans?page[size]=20"},
		{"overviews/findings", "/overviews/findings"},
		{"overviews/findings_severity", "/overviews/findings_severity"},
		{"overviews/services", "/overviews/services"},
		{"overviews/providers", "/overviews/providers"},
	}
}

// sample is what a number of clients saw.
type sample struct {
	p50, p95 time.Duration
	rate     float64 // requests a second
}

// lists measures the requests through HTTP, with one client and with eight, and prints a table in Markdown.
func (b *bench) lists(ctx context.Context) error {
	uid, err := b.someUID(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(b.out, "\n| %d findings, %d older scans | p50 | p95 | requests/s | p50, 8 clients | p95, 8 clients | requests/s, 8 clients |\n|---|---:|---:|---:|---:|---:|---:|\n",
		b.options.Findings, b.options.Older)
	for _, one := range requests(b.options.Findings, uid) {
		_, _ = fmt.Fprintf(b.out, "| %s |", one.name)
		for _, clients := range []int{1, 8} {
			seen, err := b.client.sample(ctx, one.path, clients, b.options.Reading)
			if err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			_, _ = fmt.Fprintf(b.out, " %s | %s | %.0f |", milliseconds(seen.p50), milliseconds(seen.p95), seen.rate)
		}
		_, _ = fmt.Fprintln(b.out)
	}
	return nil
}

// someUID is the uid of a finding that every scan has.
func (b *bench) someUID(ctx context.Context) (string, error) {
	one, err := b.client.document(ctx, http.MethodGet, "/findings/"+b.someFinding, "", nil)
	uid, _ := one.Data.Attributes["uid"].(string)
	return uid, err
}

// sample sends a request again and again from a number of clients for a while.
func (c *client) sample(ctx context.Context, path string, clients int, duration time.Duration) (sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for range 10 { // statements are prepared, caches are filled
		if _, err := c.do(ctx, http.MethodGet, path, "", nil); err != nil {
			return sample{}, err
		}
	}
	var running sync.WaitGroup
	taken := make([][]time.Duration, clients)
	began := time.Now()
	for i := range clients {
		running.Go(func() {
			for len(taken[i]) == 0 || time.Since(began) < duration && ctx.Err() == nil {
				sent := time.Now()
				if _, err := c.do(ctx, http.MethodGet, path, "", nil); err != nil {
					cancel(err)
					return
				}
				taken[i] = append(taken[i], time.Since(sent))
			}
		})
	}
	running.Wait()
	elapsed := time.Since(began)
	if err := context.Cause(ctx); err != nil {
		return sample{}, err
	}
	all := slices.Concat(taken...)
	slices.Sort(all)
	return sample{p50: all[len(all)/2], p95: all[len(all)*95/100], rate: float64(len(all)) / elapsed.Seconds()}, nil
}

// older ingests the scans that lie behind the one that is measured.
func (b *bench) older(ctx context.Context) error {
	for i := range b.options.Older {
		file := ocsftest.File{Account: madeAccount, Findings: b.options.OlderFindings, Padding: 3500, Flip: 2 + i%5}
		if err := b.ingestMade(ctx, file); err != nil {
			return fmt.Errorf("ingest an older scan: %w", err)
		}
	}
	return nil
}

// settle waits until the words of the newest scan have been found, and picks a finding of it.
func (b *bench) settle(ctx context.Context) error {
	conn, err := bare(ctx, b.server.appURL, b.tenant)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for known := false; !known; {
		if err := conn.QueryRow(ctx, sql.Read("words_known")).Scan(&known); err != nil {
			return fmt.Errorf("look for words: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return conn.QueryRow(ctx, sql.Read("some_findings"), 1).Scan(&b.someFinding)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
