package overviews

import (
	"context"
	"fmt"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
)

// account are the findings and resources of a provider type.
type account struct {
	Findings  accountFindings  `json:"findings"`
	Resources accountResources `json:"resources"`
}

type accountFindings struct {
	Pass  int64 `json:"pass"`
	Fail  int64 `json:"fail"`
	Muted int64 `json:"muted"`
	Total int64 `json:"total"`
}

type accountResources struct {
	Total int64 `json:"total"`
}

// number counts the providers of a type.
type number struct {
	Count int64 `json:"count"`
}

func (h handlers) providers(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := tenantdb.New(h.tenants.Read(scope)).OverviewProviders(ctx)
	if err != nil {
		return nil, fmt.Errorf("count findings of providers: %w", err)
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = jsonapi.Resource{Type: "providers-overview", ID: row.Provider, Attributes: jsonapi.Attributes(account{
			Findings:  accountFindings{Pass: row.Pass, Fail: row.Fail, Muted: row.Muted, Total: row.Total},
			Resources: accountResources{Total: row.Resources}})}
	}
	return all(r, many), nil
}

func (h handlers) count(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := tenantdb.New(h.tenants.Read(scope)).OverviewProviderCounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("count providers: %w", err)
	}
	many := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		many[i] = jsonapi.Resource{Type: "providers-count-overview", ID: row.Provider, Attributes: jsonapi.Attributes(number{Count: row.Count})}
	}
	return all(r, many), nil
}
