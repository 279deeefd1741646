package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"

	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/config"
	"github.com/palisade-sec/palisade/internal/explain"
	"github.com/palisade-sec/palisade/internal/migrate"
	"github.com/palisade-sec/palisade/internal/postgres"
	"github.com/palisade-sec/palisade/internal/rest"
	sql "github.com/palisade-sec/palisade/sql/bench"
)

// Explanation says what is explained.
type Explanation struct {
	Program    string // path of the palisade binary
	DataDir    string // folder that keeps the server's data and may have it already; empty: one that goes with the run
	Findings   int    // of the organisation whose lists are asked for
	Operations string // patterns of the operations that are looked at, with commas between; empty: all
}

// ErrExceptions says that plans read more than the limits without a known reason, or that a known reason has gone.
var ErrExceptions = errors.New("the plans and the list of exceptions do not agree")

// Explain sends every shape of request that operations allow to a server with many rows, and judges the plans of what it asks the
// database. It prints the exceptions, and fails when they are not those that are known.
func Explain(ctx context.Context, options Explanation, out io.Writer) (err error) {
	if options.DataDir == "" {
		if options.DataDir, err = os.MkdirTemp("", "palisade-explain-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(options.DataDir)) }()
	}
	b, err := open(ctx, Options{Program: options.Program, DataDir: options.DataDir}, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	super, err := postgres.Attach(config.Settings{DataDir: options.DataDir}.PostgresDir())
	if err != nil {
		return fmt.Errorf("reach the server's database: %w", err)
	}
	e := &explainer{options: options, settings: b.server.settings(), superURL: super.URL(postgres.Superuser, migrate.Database), client: b.client, tenant: b.tenant,
		limits: explain.Standard, rows: max(200, options.Findings/1000), out: out}
	if err := e.fill(ctx); err != nil {
		return err
	}
	return e.run(ctx)
}

// explainer asks and judges.
type explainer struct {
	options  Explanation
	settings app.Settings
	superURL string
	client   *client // the owner
	tenant   string
	limits   explain.Limits
	rows     int // of a table of thousands, for each of eight organisations
	out      io.Writer

	program  *app.App
	inside   *recorder // what the program asks inside tenants
	across   *recorder // and across them
	samples  *samples
	conns    map[*recorder]*pgx.Conn // as the role that asks
	verdicts map[string]verdict      // by person, statement and arguments
}

// verdict is what the plan of a statement came to.
type verdict struct {
	plan  explain.Plan
	error string
}

// shown is a fault of a shape.
type shown struct {
	operation, shape, text string
	fault                  explain.Fault
	sql                    string
	reason                 *explain.Exception
}

// asker is somebody who asks.
type asker struct {
	name, email string
	client      *client
}

func (e *explainer) run(ctx context.Context) (err error) {
	if err := e.open(ctx); err != nil {
		return err
	}
	defer e.close(ctx)
	operations := explain.Operations(e.program.Server.Operations())
	if e.options.Operations != "" {
		operations = slices.DeleteFunc(operations, func(one *rest.Operation) bool {
			return !slices.ContainsFunc(strings.Split(e.options.Operations, ","), func(pattern string) bool {
				ok, _ := path.Match(pattern, string(one.ID))
				return ok
			})
		})
	}
	exceptions, err := explain.Known()
	if err != nil {
		return err
	}
	r := &report{out: e.out, exceptions: exceptions, limits: e.limits}
	for _, who := range []asker{{"owner", email, e.client}, {"limited", limitedEmail, newClient(e.client.base)}} {
		for _, operation := range operations {
			if err := who.client.enterAs(ctx, who.email); err != nil {
				return fmt.Errorf("log in as %s: %w", who.name, err)
			}
			if err := errors.Join(e.operation(ctx, who, operation, r), e.samples.err); err != nil {
				return fmt.Errorf("%s: %w", operation.ID, err)
			}
		}
	}
	widths, err := e.widths(ctx)
	if err != nil {
		return err
	}
	return r.finish(operations, widths)
}

// limitedEmail is the address of somebody who sees a few accounts.
const limitedEmail = "person-1-0@explain.example"

func (e *explainer) open(ctx context.Context) (err error) {
	e.inside, e.across, e.verdicts, e.conns = &recorder{}, &recorder{}, map[string]verdict{}, map[*recorder]*pgx.Conn{}
	settings := e.settings
	settings.Tracer, settings.SystemTracer, settings.WithoutAudit, settings.MaxConns, settings.TokenLimit = e.inside, e.across, true, 4, "off"
	settings.RequestTimeout = patience
	if e.program, err = app.Open(ctx, settings, slog.New(slog.DiscardHandler)); err != nil {
		return fmt.Errorf("open the program beside the server: %w", err)
	}
	for recorder, url := range map[*recorder]string{e.inside: settings.AppURL, e.across: settings.SystemURL} {
		if e.conns[recorder], err = pgx.Connect(ctx, url); err != nil {
			return errors.New("connect: the database does not answer")
		}
		pgxuuid.Register(e.conns[recorder].TypeMap())
	}
	if err := e.client.enterAs(ctx, email); err != nil {
		return err
	}
	me, err := e.client.document(ctx, http.MethodGet, "/users/me", "", nil)
	if err != nil {
		return err
	}
	e.samples, err = newSamples(ctx, e.superURL, e.tenant, me.Data.ID)
	return err
}

func (e *explainer) close(ctx context.Context) {
	for _, conn := range e.conns {
		_ = conn.Close(ctx)
	}
	if e.samples != nil {
		e.samples.close(ctx)
	}
	e.program.Close()
}

// operation judges all shapes of one operation for one person.
func (e *explainer) operation(ctx context.Context, who asker, operation *rest.Operation, r *report) error {
	began := time.Now()
	tally, before := tally{name: who.name + " " + string(operation.ID)}, len(r.shown)
	for _, shape := range explain.Shapes(operation, e.samples) {
		shape.Name += "/" + who.name
		if err := e.shape(ctx, who, shape, r, &tally); err != nil {
			return fmt.Errorf("%s: %w", shape.Name, err)
		}
	}
	tally.faults = r.shown[before:]
	r.line(tally, time.Since(began))
	return nil
}

func (e *explainer) shape(ctx context.Context, who asker, shape explain.Shape, r *report, tally *tally) error {
	tally.shapes++
	address, refused := e.goOn(ctx, who, shape)
	var seen seen
	if refused == nil {
		seen, refused = e.ask(ctx, who, address)
	}
	if refused != nil {
		tally.refuse(who, fmt.Sprintf("%s %s: %v", shape.Name, shape.Path, refused), refused)
		return nil
	}
	if shape.Found && seen.objects == 0 && who.name == "owner" {
		tally.empty = append(tally.empty, shape.Name)
	}
	var opening []statement
	total := explain.Plan{}
	for _, recorder := range []*recorder{e.across, e.inside} {
		for _, trip := range seen.trips[recorder] {
			if len(trip.opening) > 0 {
				opening = trip.opening
			}
			for _, one := range trip.statements {
				tally.statements++
				verdict, err := e.judge(ctx, who, recorder, opening, one)
				if err != nil {
					return err
				}
				total.Milliseconds += verdict.plan.Milliseconds
				r.faults(shape, address, one.sql, verdict)
			}
		}
	}
	r.took(shape, address, total.Milliseconds)
	return nil
}

// seen is an answer and what was asked for it.
type seen struct {
	objects int
	next    string
	pages   int
	trips   map[*recorder][]trip
}

// goOn goes to the page that a shape is about.
func (e *explainer) goOn(ctx context.Context, who asker, shape explain.Shape) (string, error) {
	address := shape.Path
	if shape.Middle {
		first, err := e.ask(ctx, who, address)
		if err != nil {
			return "", err
		}
		separator := map[bool]string{true: "&", false: "?"}[strings.Contains(address, "?")]
		return fmt.Sprintf("%s%spage[number]=%d", address, separator, max(first.pages/2, 1)), nil
	}
	for range shape.Cursor {
		page, err := e.ask(ctx, who, address)
		if err != nil {
			return "", err
		}
		if page.next == "" {
			break
		}
		address = page.next
	}
	return address, nil
}

func (e *explainer) ask(ctx context.Context, who asker, address string) (seen, error) {
	e.inside.listen()
	e.across.listen()
	answer := who.client.within(ctx, e.program, address)
	one := seen{trips: map[*recorder][]trip{e.inside: e.inside.heard(), e.across: e.across.heard()}}
	if answer.Code >= http.StatusMultipleChoices {
		return one, fmt.Errorf("status %d: %.200s", answer.Code, answer.Body)
	}
	var document struct {
		Data  json.RawMessage
		Links struct{ Next string }
		Meta  struct{ Pagination struct{ Pages int } }
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &document); err != nil {
		return one, err
	}
	one.objects, one.pages = 1, document.Meta.Pagination.Pages
	if data := bytes.TrimSpace(document.Data); bytes.HasPrefix(data, []byte("[")) {
		var list []json.RawMessage
		if err := json.Unmarshal(data, &list); err != nil {
			return one, err
		}
		one.objects = len(list)
	}
	if next, err := url.Parse(document.Links.Next); err == nil && document.Links.Next != "" {
		one.next = strings.TrimPrefix(next.Path, rest.BasePath) + "?" + next.RawQuery
	}
	return one, nil
}

// patience is how long a statement may take that is explained.
const patience = 20 * time.Second

// judge explains a statement as it ran, in the scope that it ran in.
func (e *explainer) judge(ctx context.Context, who asker, role *recorder, opening []statement, one statement) (verdict, error) {
	key := fmt.Sprintf("%s %p %s %v", who.name, role, one.sql, readable(one.args))
	if known, ok := e.verdicts[key]; ok {
		return known, nil
	}
	found, err := e.explain(ctx, e.conns[role], opening, one)
	if err != nil {
		return found, err
	}
	e.verdicts[key] = found
	return found, nil
}

func readable(args []any) string {
	encoded, err := json.Marshal(args)
	if err != nil {
		return fmt.Sprint(args...)
	}
	return string(encoded)
}

func (e *explainer) explain(ctx context.Context, conn *pgx.Conn, opening []statement, one statement) (verdict, error) {
	if word := strings.ToLower(strings.TrimSpace(one.sql)); word == "begin" || strings.HasPrefix(word, "begin ") || word == "commit" || word == "rollback" {
		return verdict{}, nil
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return verdict{}, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	for _, step := range append(slices.Clone(opening), statement{sql: sql.Read("explain_patience"), args: []any{fmt.Sprint(patience.Milliseconds())}}) {
		if _, err := tx.Exec(ctx, step.sql, step.args...); err != nil {
			return verdict{}, fmt.Errorf("open the scope: %w", err)
		}
	}
	raw, err := explained(ctx, tx.Conn(), one)
	var failed *pgconn.PgError
	if errors.As(err, &failed) {
		_ = tx.Rollback(ctx)
		_, _ = conn.PgConn().Exec(ctx, "deallocate explained").ReadAll() // which the end of the transaction does not; it may not be there
		return verdict{error: err.Error()}, nil
	}
	if err != nil {
		return verdict{}, err
	}
	plan, err := explain.ParsePlan(raw)
	return verdict{plan: plan}, err
}

// explained is the plan of a statement as the program has it: prepared, so that the server may take one that fits all arguments.
func explained(ctx context.Context, conn *pgx.Conn, one statement) ([]byte, error) {
	described, err := conn.PgConn().Prepare(ctx, "", one.sql, nil)
	if err != nil {
		return nil, err
	}
	if len(described.ParamOIDs) != len(one.args) {
		return nil, fmt.Errorf("%d arguments for %d parameters", len(one.args), len(described.ParamOIDs))
	}
	literals := make([]string, len(one.args))
	for i, argument := range one.args {
		encoded, err := conn.TypeMap().Encode(described.ParamOIDs[i], pgx.TextFormatCode, argument, nil)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		literals[i] = "null"
		if encoded != nil {
			literals[i] = "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(string(encoded)) + "'"
		}
	}
	arguments := ""
	if len(literals) > 0 {
		arguments = "(" + strings.Join(literals, ", ") + ")"
	}
	results, err := conn.PgConn().Exec(ctx, "prepare explained as "+one.sql+"\n; explain (analyze, buffers, timing off, format json) execute explained"+arguments+"; deallocate explained").ReadAll()
	if err != nil {
		return nil, err
	}
	for _, result := range results {
		if len(result.Rows) == 1 {
			return result.Rows[0][0], nil
		}
	}
	return nil, errors.New("no plan")
}

// widths are how many rows tables have.
func (e *explainer) widths(ctx context.Context) (map[string]int64, error) {
	rows, err := e.samples.conn.Query(ctx, sql.Read("explain_widths"))
	if err != nil {
		return nil, err
	}
	widths := map[string]int64{}
	var name string
	var count int64
	_, err = pgx.ForEachRow(rows, []any{&name, &count}, func() error {
		widths[name] = count
		return nil
	})
	return widths, err
}

// tally is how an operation went.
type tally struct {
	name               string
	shapes, statements int
	faults             []shown
	hidden             int      // shapes that name what the person does not see, and are refused
	declined           []string // answered without what was asked for, so that there is nothing to judge
	failed, empty      []string
}

// refuse notes a shape that was not answered. What others do not see they cannot name, either.
func (t *tally) refuse(who asker, text string, err error) {
	answer, answered := errors.AsType[*refusal](err)
	switch declined := answered && (answer.status < http.StatusInternalServerError || answer.status == http.StatusNotImplemented); {
	case declined && who.name != "owner":
		t.hidden++
	case declined:
		t.declined = append(t.declined, text)
	default:
		t.failed = append(t.failed, text)
	}
}

// report gathers and prints.
type report struct {
	out        io.Writer
	exceptions explain.Exceptions
	limits     explain.Limits
	shown      []shown
	slow       []timed
	tables     map[string]bool
	shapes     int
	statements int
	declined   []string
	blind      []string // what failed: its plans are not known
}

type timed struct {
	text         string
	milliseconds float64
}

func (r *report) line(one tally, took time.Duration) {
	r.shapes, r.statements = r.shapes+one.shapes, r.statements+one.statements
	_, _ = fmt.Fprintf(r.out, "%-52s %4d shapes %5d statements %5.1f s", one.name, one.shapes, one.statements, took.Seconds())
	if one.hidden > 0 {
		_, _ = fmt.Fprintf(r.out, "; %d refused", one.hidden)
	}
	if one.shapes == one.hidden {
		r.declined = append(r.declined, one.name+": nothing to ask for")
	}
	for _, text := range one.declined {
		r.declined = append(r.declined, one.name+": "+text)
	}
	for _, text := range one.failed {
		r.blind = append(r.blind, one.name+": refused: "+text)
	}
	if len(one.empty) > 0 {
		_, _ = fmt.Fprintf(r.out, "; nothing found by %s", strings.Join(one.empty, " "))
	}
	_, _ = fmt.Fprintln(r.out)
	for _, fault := range one.faults {
		mark := "known"
		if fault.reason == nil {
			mark = "NEW"
		}
		_, _ = fmt.Fprintf(r.out, "  %-5s %s %s: %s\n", mark, fault.shape, fault.fault.Name, fault.text)
	}
}

func (r *report) faults(shape explain.Shape, address, text string, one verdict) {
	faults := one.plan.Faults(r.limits)
	if one.error != "" {
		faults = []explain.Fault{{Name: "error"}}
		text = one.error + "\n" + text
	}
	if r.tables == nil {
		r.tables = map[string]bool{}
	}
	for table := range one.plan.Reads {
		r.tables[table] = true
	}
	for _, fault := range faults {
		r.shown = append(r.shown, shown{shape.Operation, shape.Name, fmt.Sprintf("%s, %.0f ms: %s", describe(fault), one.plan.Milliseconds, address), fault, text,
			r.exceptions.Allow(shape.Operation, shape.Name, fault.Name)})
	}
}

func describe(fault explain.Fault) string {
	kind, table, _ := strings.Cut(fault.Name, ":")
	switch kind {
	case "seq":
		return fmt.Sprintf("%d rows of %s in sequential scans", fault.Amount, table)
	case "rows":
		return fmt.Sprintf("%d rows of %s", fault.Amount, table)
	}
	return fmt.Sprintf("%d %s", fault.Amount, kind)
}

func (r *report) took(shape explain.Shape, address string, milliseconds float64) {
	r.slow = append(r.slow, timed{shape.Operation + " " + shape.Name + " " + address, milliseconds})
}

// finish prints what was found, and says whether it is what is known.
func (r *report) finish(operations []*rest.Operation, widths map[string]int64) error {
	_, _ = fmt.Fprintf(r.out, "\n%d shapes, %d statements.\n", r.shapes, r.statements)
	r.narrow(widths)
	r.print("Declined, so that there is nothing to judge:", r.declined)
	r.print("Not judged:", r.blind)
	slices.SortStableFunc(r.slow, func(a, b timed) int { return cmp.Compare(b.milliseconds, a.milliseconds) })
	_, _ = fmt.Fprintln(r.out, "\nThe slowest, as the statements took together:")
	for _, one := range r.slow[:min(len(r.slow), 25)] {
		_, _ = fmt.Fprintf(r.out, "  %7.0f ms  %s\n", one.milliseconds, one.text)
	}
	statements := map[string][]string{}
	for _, one := range r.shown {
		if one.reason == nil {
			statements[one.sql] = append(statements[one.sql], one.operation+" "+one.shape+" "+one.fault.Name)
		}
	}
	_, _ = fmt.Fprintf(r.out, "\n%d exceptions; the statements of those that are not known:\n", len(r.shown))
	for _, text := range slices.Sorted(maps.Keys(statements)) {
		_, _ = fmt.Fprintf(r.out, "\n%s\n%s\n", strings.Join(statements[text], "\n"), strings.TrimSpace(text))
	}
	var names []string
	for _, one := range operations {
		names = append(names, string(one.ID))
	}
	var unused []string
	for _, one := range r.exceptions.Unused(names) {
		unused = append(unused, one.Operation+" "+one.Shape+" "+one.Fault)
	}
	r.print("Known exceptions that are none any more:", unused)
	if len(statements)+len(unused)+len(r.blind) > 0 {
		return ErrExceptions
	}
	return nil
}

// narrow prints the tables that are too small for a sequential scan to show.
func (r *report) narrow(widths map[string]int64) {
	var small []string
	for _, table := range slices.Sorted(maps.Keys(r.tables)) {
		if explain.Grows(table) && widths[table] < 2000 {
			small = append(small, fmt.Sprintf("%s (%d)", table, widths[table]))
		}
	}
	r.print("Tables with too few rows for a sequential scan to show:", small)
}

func (r *report) print(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	_, _ = fmt.Fprintf(r.out, "\n%s\n", title)
	for _, line := range lines {
		_, _ = fmt.Fprintln(r.out, "  "+line)
	}
}
