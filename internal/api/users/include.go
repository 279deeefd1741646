package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/roles"
	"github.com/palisade-sec/palisade/internal/filter"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Included are members of the tenant as other resources include them under the include path of the request: their attributes
// and, of the requester alone, the roles, which come along where the request names those too. Who is no member is left out.
func Included(ctx context.Context, r *rest.Request, read tenant.DB, path string, ids []uuid.UUID) ([]jsonapi.Resource, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	those := filter.MustCondition("u.id", filter.In, ids)
	rows, err := tenantdb.New(read.Shaped(map[string]filter.Fragment{"where": those, "order": {}, "position": {}})).ListUsers(ctx, tenantdb.ListUsersParams{PageSize: int32(len(ids))})
	if err != nil {
		return nil, err
	}
	included := make([]jsonapi.Resource, len(rows))
	var held []jsonapi.Resource
	for i, row := range rows {
		var holds []uuid.UUID
		if row.ID == r.User() {
			holds = row.RoleIds
			if r.Query.Include[path+".roles"] && r.Shows("users", "roles") {
				if held, err = roles.Included(row.Roles); err != nil {
					return nil, err
				}
			}
		}
		included[i] = resource(row, nil, holds)
		included[i].Relationships = included[i].Relationships[1:] // memberships are not told here
	}
	return append(included, held...), nil
}
