package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/palisade-sec/palisade/internal/explain"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/rest"
	sql "github.com/palisade-sec/palisade/sql/bench"
)

// samples are what the rows of an organisation offer to be asked for.
type samples struct {
	conn   *pgx.Conn // of a superuser
	tenant string
	user   string
	known  map[string]explain.Sample // by table.column
	err    error                     // the first that occurred
}

func newSamples(ctx context.Context, superURL, tenantID, user string) (*samples, error) {
	conn, err := pgx.Connect(ctx, superURL)
	if err != nil {
		return nil, errors.New("connect: the database does not answer")
	}
	s := &samples{conn: conn, tenant: tenantID, user: user, known: map[string]explain.Sample{}}
	if _, err := conn.PgConn().Exec(ctx, sql.Read("explain_people")).ReadAll(); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare samples: %w", err), conn.Close(ctx))
	}
	return s, nil
}

func (s *samples) close(ctx context.Context) { _ = s.conn.Close(ctx) }

// column are the values of a column, which are looked up once.
func (s *samples) column(table, column string) explain.Sample {
	name := table + "." + column
	if one, ok := s.known[name]; ok || s.err != nil {
		return one
	}
	var one explain.Sample
	text := strings.NewReplacer("table_name", pgx.Identifier{table}.Sanitize(), "column_name", pgx.Identifier{column}.Sanitize()).Replace(sql.Read("explain_samples"))
	if err := s.conn.QueryRow(context.Background(), text, s.tenant).Scan(&one.Common, &one.Rare); err != nil {
		s.err = fmt.Errorf("samples of %s: %w", name, err)
	}
	s.known[name] = one
	return one
}

// tables are those behind the aliases of queries, by the first word of the operation; the empty word is for all others.
var tables = map[string]map[string]string{
	"":                      {"p": "providers", "f": "findings", "r": "resources", "s": "scans"},
	"users":                 {"u": "people", "m": "memberships"},
	"tenants":               {"t": "own_tenants", "m": "memberships", "i": "invitations"},
	"roles":                 {"ro": "roles"},
	"provider_groups":       {"g": "provider_groups"},
	"api_keys":              {"k": "api_keys"},
	"providers":             {"s": "provider_secrets", "p": "providers"},
	"schedules":             {"s": "schedules"},
	"tasks":                 {"t": "tasks"},
	"finding_groups":        {"g": "scan_check_summaries", "m": "scan_check_summaries", "o": "resources"},
	"overviews":             {"m": "scan_summaries", "x": "threatscore_snapshots", "c": "scan_compliance", "w": "compliance_watchlist"},
	"compliance_overviews":  {"c": "scan_compliance"},
	"compliance_frameworks": {"c": "compliance_frameworks", "r": "compliance_framework_revisions"},
	"ingestions":            {"i": "ingestions"},
	"processors":            {"p": "processors"},
	"mute_rules":            {"r": "mute_rules"},
	"audit_events":          {"e": "audit_events"},
}

// columns are where the values are of filters whose column is not that of a table, or is one of several.
var columns = map[string]string{
	"region": "scan_places.region", "service": "scan_places.service", "resource_type": "scan_places.resource_type", "type": "scan_places.resource_type",
	"framework": "compliance_framework_revisions.framework", "framework__iexact": "compliance_framework_revisions.framework", "version": "compliance_framework_revisions.version",
	"category": "scan_category_summaries.category", "categories": "scan_category_summaries.category",
	"resource_group": "scan_resource_group_summaries.resource_group", "resource_groups": "scan_resource_group_summaries.resource_group",
	"compliance_id": "scan_compliance.compliance_id", "scan": "findings.scan_id", "scan_id": "findings.scan_id", "scan__in": "findings.scan_id",
	"provider": "findings.provider_id", "provider_id": "findings.provider_id", "provider_groups": "provider_group_providers.provider_group_id",
	"tags": "resource_tags.value", "tag": "resource_tags.value", "resources": "scan_resource_summaries.resource_id",
	"resource_uid": "resources.uid", "resource_name": "resources.name", "resource_type__icontains": "resources.type",
}

// Of are values of the column behind a filter.
func (s *samples) Of(operation *rest.Operation, field *filter.Field) (explain.Sample, bool) {
	if one, ok := accounts[field.Name]; ok && aboutFindings(operation) {
		return one, true
	}
	table, column := s.source(operation, field)
	if table == "" {
		return explain.Sample{}, false
	}
	one := s.column(table, column)
	return one, one.Common != ""
}

// accounts are what filters by an account ask for where findings are: the one with most of them or with some, and the one with a few.
var accounts = map[string]explain.Sample{"provider_uid": {Common: madeAccount, Rare: smallAccount}, "provider_alias": {Common: "Middle", Rare: "Small"},
	"provider_groups": {Common: "00000000-0000-4000-8000-00000000001a", Rare: "00000000-0000-4000-8000-00000000005a"}} // as in explain_world.sql

// aboutFindings tells operations whose rows have to do with findings.
func aboutFindings(operation *rest.Operation) bool {
	family, _, _ := strings.Cut(string(operation.ID), ".")
	return slices.Contains([]string{"findings", "finding_groups", "resources", "overviews", "compliance_overviews"}, family)
}

func (s *samples) source(operation *rest.Operation, field *filter.Field) (table, column string) {
	family, _, _ := strings.Cut(string(operation.ID), ".")
	alias, column, _ := strings.Cut(string(field.Column), ".")
	if named, ok := columns[field.Name]; ok && (field.Column == "" || aboutFindings(operation)) {
		table, column, _ = strings.Cut(named, ".")
		return table, column
	}
	if field.Kind == filter.DateTime || field.Kind == filter.Moment || field.Kind == filter.Date || field.Kind == filter.Bool || column == "" {
		return "", ""
	}
	if field.Codes != nil || strings.HasSuffix(column, "_weight") {
		return "", ""
	}
	for _, step := range field.Via {
		if step.Alias == alias {
			return string(step.Table), column
		}
	}
	return cmp.Or(tables[family][alias], tables[""][alias]), column
}

// searches are columns that hold what people search for, by the first word of an operation.
var searches = map[string]string{"tenants": "own_tenants.name", "providers": "providers.uid", "tasks": "tasks.name", "ingestions": "ingestions.filename",
	"mute_rules": "mute_rules.name", "compliance_frameworks": "compliance_framework_revisions.name"}

// Search are texts that are found.
func (s *samples) Search(operation *rest.Operation) (explain.Sample, bool) {
	family, _, _ := strings.Cut(string(operation.ID), ".")
	table, column, _ := strings.Cut(searches[family], ".")
	switch {
	case operation.ID == "tenants.invitations.list":
		table, column = "invitations", "email"
	case operation.ID == "providers.secrets.list":
		table, column = "provider_secrets", "name"
	case family == "findings" || family == "resources":
		return explain.Sample{Common: "sample", Rare: s.column("resources", "name").Rare}, true
	case table == "":
		return explain.Sample{}, false
	}
	one := s.column(table, column)
	one.Common = string([]rune(one.Common)[:min(4, len([]rune(one.Common)))])
	return one, one.Rare != ""
}

// Parameter is an id, mostly of the row behind which there is most.
func (s *samples) Parameter(operation *rest.Operation, name string) string {
	family, _, _ := strings.Cut(string(operation.ID), ".")
	switch {
	case name == "user_pk" || operation.ID == "users.retrieve":
		return s.user
	case name == "tenant_pk" || operation.ID == "tenants.retrieve":
		return s.tenant
	case name == "uid":
		return s.column("findings", "uid").Common
	case family == "finding_groups":
		return s.column("findings", "check_id").Common
	case operation.ID == "users.memberships.retrieve":
		return s.column("own_memberships", "id").Common
	case operation.ID == "ingestions.errors":
		return s.column("ingestion_errors", "ingestion_id").Common
	case operation.ID == "tenants.invitations.retrieve":
		return s.column("invitations", "id").Common
	case operation.ID == "providers.secrets.retrieve":
		return s.column("provider_secrets", "id").Common
	case family == "saml_config":
		return s.column("saml_configurations", "id").Common
	}
	return s.column(family, "id").Common
}

// Always are the filters that compliance cannot do without.
func (s *samples) Always(operation *rest.Operation) url.Values {
	scan, framework := s.column("findings", "scan_id").Common, frameworkID
	switch operation.ID {
	case "compliance_overviews.list", "compliance_overviews.metadata":
		return url.Values{"filter[scan_id]": {scan}}
	case "compliance_overviews.requirements":
		return url.Values{"filter[scan_id]": {scan}, "filter[compliance_id]": {framework}}
	case "compliance_overviews.attributes", "compliance_overviews.providers":
		return url.Values{"filter[compliance_id]": {framework}}
	case "overviews.findings_severity.timeseries":
		return url.Values{"filter[date_from]": {time.Now().UTC().AddDate(0, 0, -30).Format(time.DateOnly)}}
	}
	return nil
}
