package providers

import (
	"context"
	"fmt"

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
		connection := Connection{Connected: row.Connected}
		if row.ConnectionLastCheckedAt != nil {
			moment := jsonapi.FormatTime(*row.ConnectionLastCheckedAt)
			connection.LastCheckedAt = &moment
		}
		included[i] = jsonapi.Resource{Type: Type, ID: row.ID.String(), Attributes: jsonapi.Attributes(Attributes{InsertedAt: row.InsertedAt,
			UpdatedAt: row.UpdatedAt, Provider: row.Provider, UID: row.Uid, Alias: row.Alias, Connection: connection})}
	}
	return included, nil
}
