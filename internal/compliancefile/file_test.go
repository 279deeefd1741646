package compliancefile_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/compliancefile"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

const account = "123456789012"

// big is a framework whose lines are long and many.
func big(requirements int) compliance.Detailed {
	attributes, _ := json.Marshal([]map[string]string{{"Section": strings.Repeat("x", 5000)}})
	var made compliance.Detailed
	for i := range requirements {
		made.Requirements = append(made.Requirements, compliance.DetailedRequirement{Attributes: attributes,
			Requirement: compliance.Requirement{ID: strconv.Itoa(i), Checks: ocsftest.Checks()}})
	}
	return made
}

func ingested(t *testing.T, findings int) (*apitest.Server, tenant.DB, compliancefile.Scan) {
	t.Helper()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, account, "Main")
	scan := uuid.MustParse(ada.Ingest(t, ocsftest.File{Account: account, Findings: findings}))
	db := server.App.Tenants.Read(tenant.NewScope(uuid.MustParse(ada.Tenant), uuid.Nil, tenant.SeeAll()))
	return server, db, compliancefile.Scan{ID: scan, Provider: "aws", Account: account, Started: time.Now()}
}

// TestAFileTakesLittleMemory writes many times what may be held meanwhile. It is not parallel: others would count.
func TestAFileTakesLittleMemory(t *testing.T) {
	const findings, most = 2500, 8 << 20
	_, db, scan := ingested(t, findings)
	held := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, peak, total, parts := held(), uint64(0), 0, 0
	file, part, err := compliancefile.New(t.Context(), db, scan, "plain", big(10))
	for ; err == nil; part, err = file.Next(t.Context()) {
		total, parts = total+len(part), parts+1
		if len(part) > 1<<20 {
			t.Fatalf("a part of %d bytes", len(part))
		}
		if parts%50 == 0 {
			peak = max(peak, held())
		}
	}
	if !errors.Is(err, io.EOF) || total < findings*10*5000 {
		t.Errorf("%d bytes, then %v", total, err)
	}
	if peak > before+most {
		t.Errorf("%d bytes were held, %d before", peak, before)
	}
}

// TestAScanThatGoesLeavesNoFileThatLooksWhole removes the scan behind the first page.
func TestAScanThatGoesLeavesNoFileThatLooksWhole(t *testing.T) {
	t.Parallel()
	server, db, scan := ingested(t, 2500)
	file, _, err := compliancefile.New(t.Context(), db, scan, "plain", big(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update scans set state = 'expired' where id = $1`, scan.ID); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = file.Next(t.Context())
	}
	if errors.Is(err, io.EOF) {
		t.Error("the file ends as if it were whole")
	}
}

// TestAFileAboutNothing has no findings, and requirements that nothing serves.
func TestAFileAboutNothing(t *testing.T) {
	t.Parallel()
	_, db, scan := ingested(t, 1)
	for name, framework := range map[string]compliance.Detailed{"no requirements": {}, "no checks that found something": {Requirements: []compliance.DetailedRequirement{
		{Requirement: compliance.Requirement{ID: "1", Checks: []string{"nobody_has_it"}}}}}} {
		file, begin, err := compliancefile.New(t.Context(), db, scan, "plain", framework)
		if err != nil {
			t.Fatal(err)
		}
		if rest, err := file.Next(t.Context()); !errors.Is(err, io.EOF) || bytes.Count(begin, []byte("\n")) != 1 {
			t.Errorf("%s: %s, then %s (%v)", name, begin, rest, err)
		}
	}
	// What the catalogue says of requirements may have any form.
	for _, attributes := range []string{``, `null`, `{}`, `"x"`, `[]`, `[null]`, `[1]`, `[{"Section": {"a": [1]}, "Type": null}]`} {
		framework := compliance.Detailed{Requirements: []compliance.DetailedRequirement{{Attributes: json.RawMessage(attributes)}}}
		_, begin, err := compliancefile.New(t.Context(), db, scan, "plain", framework)
		reader := csv.NewReader(bytes.NewReader(begin))
		reader.Comma = ';'
		if lines, wrong := reader.ReadAll(); err != nil || wrong != nil || len(lines) != 2 {
			t.Errorf("%s: %q (%v, %v)", attributes, lines, err, wrong)
		}
	}
}

func TestNamesOfFiles(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("east", 3600))
	scan := compliancefile.Scan{Account: "arn:aws:eks/\"ä b\".x_y", Started: moment}
	if got := scan.Name(`cis_1.10_"x"`); got != "prowler-output-arn-aws-eks----b--x_y-20260102020405_cis_1.10_-x-.csv" {
		t.Errorf("named %s", got)
	}
}

// TestColumnsOfPlaces: each provider type calls accounts and regions what it calls them, and lines are as wide as the header.
func TestColumnsOfPlaces(t *testing.T) {
	t.Parallel()
	_, db, scan := ingested(t, 1)
	for provider, want := range map[string]string{"aws": "ACCOUNTID;REGION", "azure": "SUBSCRIPTIONID;LOCATION", "gcp": "PROJECTID;LOCATION", "m365": "TENANTID;LOCATION",
		"kubernetes": "CONTEXT;NAMESPACE", "oraclecloud": "TENANCYID;REGION", "alibabacloud": "ACCOUNTID;REGION", "github": "ACCOUNT_NAME;ACCOUNT_ID", "googleworkspace": "DOMAIN"} {
		scan.Provider = provider
		framework := big(1)
		framework.Requirements = append(framework.Requirements, compliance.DetailedRequirement{Requirement: compliance.Requirement{ID: "by hand"}})
		_, begin, err := compliancefile.New(t.Context(), db, scan, "cis_1.0_"+provider, framework)
		if err != nil {
			t.Fatal(err)
		}
		if header, _, _ := strings.Cut(string(begin), "\r\n"); !strings.HasPrefix(header, "PROVIDER;DESCRIPTION;"+want+";ASSESSMENTDATE;REQUIREMENTS_ID;") {
			t.Errorf("%s: %s", provider, header)
		}
		reader := csv.NewReader(bytes.NewReader(begin))
		reader.Comma = ';'
		if lines, err := reader.ReadAll(); err != nil || len(lines) != 3 {
			t.Errorf("%s: %d lines (%v)", provider, len(lines), err)
		}
	}
}
