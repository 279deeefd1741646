package providers

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Include are the reduced resource objects of providers that stand beside another resource: no relationships, no links.
func Include(ctx context.Context, db tenant.DB, ids []uuid.UUID) ([]jsonapi.Resource, error) {
	rows, err := tenantdb.New(db).IncludeProviders(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("include providers: %w", err)
	}
	included := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		included[i] = Included(row)
	}
	return included, nil
}

// IncludeOf is Include for the providers of some scans.
func IncludeOf(ctx context.Context, db tenant.DB, scans []uuid.UUID) ([]jsonapi.Resource, error) {
	rows, err := tenantdb.New(db).IncludeProvidersOfScans(ctx, scans)
	if err != nil {
		return nil, fmt.Errorf("include providers of scans: %w", err)
	}
	included := make([]jsonapi.Resource, len(rows))
	for i, row := range rows {
		included[i] = Included(tenantdb.IncludeProvidersRow(row))
	}
	return included, nil
}

// Included is one of those, for lists whose query reads it along.
func Included(row tenantdb.IncludeProvidersRow) jsonapi.Resource {
	return jsonapi.Resource{Type: Type, ID: row.ID.String(), Attributes: jsonapi.Attributes(Attributes{InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt,
		Provider: row.Provider, UID: row.Uid, Alias: row.Alias, Connection: connection(row.Connected, row.ConnectionLastCheckedAt)})}
}

func connection(connected *bool, checked *time.Time) Connection {
	found := Connection{Connected: connected}
	if checked != nil {
		moment := jsonapi.FormatTime(*checked)
		found.LastCheckedAt = &moment
	}
	return found
}
