package muterules

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/api/users"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/muterule"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/internal/tenant"
)

func (h handlers) create(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := r.Scope(ctx)
	if err != nil {
		return nil, err
	}
	body, err := r.Bind(Type, "")
	if err != nil {
		return nil, err
	}
	read := h.tenants.Read(scope)
	name, err := readName(ctx, read, body, jsonapi.Rules{Required: true, Min: 3, Max: 100}, uuid.Nil)
	if err != nil {
		return nil, err
	}
	reason := readReason(body, jsonapi.Rules{Required: true, Max: 500})
	selected, err := readFindings(ctx, read, body)
	if err != nil {
		return nil, err
	}
	body.ReadOnly("inserted_at", "updated_at", "enabled", "finding_uids", "created_by")
	if err := body.Done(); err != nil {
		return nil, err
	}
	id, err := h.rules.Create(ctx, scope, name.Value, reason.Value, selected)
	if err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, id)
	if err != nil {
		return nil, err
	}
	one := resource(r, row)
	return rest.Created(jsonapi.Document{One: &one}), nil
}

func (h handlers) update(ctx context.Context, r *rest.Request) (*rest.Answer, error) {
	scope, err := h.found(ctx, r)
	if err != nil {
		return nil, err
	}
	body, err := r.Bind(Type, r.ID("id").String())
	if err != nil {
		return nil, err
	}
	name, err := readName(ctx, h.tenants.Read(scope), body, jsonapi.Rules{Min: 3, Max: 100}, r.ID("id"))
	if err != nil {
		return nil, err
	}
	reason := readReason(body, jsonapi.Rules{Max: 500})
	enabled := body.Bool("enabled", jsonapi.Rules{})
	if err := body.Done(); err != nil {
		return nil, err
	}
	if err := h.rules.Update(ctx, scope, r.ID("id"), muterule.Change{Name: name.Ptr(), Reason: reason.Ptr(), Enabled: enabled.Ptr()}); err != nil {
		return nil, err
	}
	row, err := source.Written(ctx, h.tenants, scope, r.ID("id"))
	if err != nil {
		return nil, err
	}
	return r.One(jsonapi.Resource{Type: Type, ID: row.ID.String(),
		Attributes: jsonapi.Attributes(changed{Name: row.Name, Reason: row.Reason, Enabled: row.Enabled})}), nil
}

// found makes sure that the rule of the path is there before the body is read.
func (h handlers) found(ctx context.Context, r *rest.Request) (tenant.Scope, error) {
	return rest.Found(ctx, r, h.tenants, source.One)
}

// readName reads the name; one that another rule has is refused with the other fields.
func readName(ctx context.Context, db tenant.DB, body *jsonapi.Binder, rules jsonapi.Rules, itself uuid.UUID) (jsonapi.Given[string], error) {
	name := body.Text("name", rules)
	if name.Ptr() == nil || name.Value == "" || strings.ContainsRune(name.Value, 0) {
		return name, nil
	}
	taken, err := muterule.NameTaken(ctx, db, name.Value, itself)
	if taken {
		body.Fail(muterule.SameName())
	}
	return name, err
}

// readReason reads the reason, whose length is refused in words of its own.
func readReason(body *jsonapi.Binder, rules jsonapi.Rules) jsonapi.Given[string] {
	const least = 3
	reason := body.Text("reason", rules)
	if length := utf8.RuneCountInString(reason.Value); length > 0 && length < least {
		body.Fail(jsonapi.Field("reason", "min_length", fmt.Sprintf("Ensure this value has at least %d characters (it has %d).", least, length)))
	}
	return reason
}

// readFindings reads the ids of the findings and looks them up; those that the caller does not see are refused as unknown.
func readFindings(ctx context.Context, db tenant.DB, body *jsonapi.Binder) (muterule.Selection, error) {
	const field = "finding_ids"
	given := body.JSON(field, jsonapi.Rules{Required: true})
	if !given.Set || given.Value == nil {
		return muterule.Selection{}, nil
	}
	list, isList := given.Value.([]any)
	switch {
	case !isList:
		body.Fail(jsonapi.NotAList(field, given.Value))
		return muterule.Selection{}, nil
	case len(list) == 0:
		body.Fail(jsonapi.Field(field, "invalid", "At least one finding_id must be provided."))
		return muterule.Selection{}, nil
	case len(list) > muterule.Most:
		body.Fail(jsonapi.Field(field, "max_length", fmt.Sprintf("Ensure this field has no more than %d elements.", muterule.Most)))
		return muterule.Selection{}, nil
	}
	ids, wrong := make([]uuid.UUID, 0, len(list)), false
	for i, one := range list {
		text, _ := one.(string)
		id, err := jsonapi.ParseUUID(strings.TrimSpace(text))
		if err != nil {
			body.Fail(jsonapi.Field(fmt.Sprintf("%s/%d", field, i), "invalid", "Must be a valid UUID."))
			wrong = true
		}
		ids = append(ids, id)
	}
	if wrong {
		return muterule.Selection{}, nil
	}
	selected, unknown, err := muterule.Select(ctx, db, ids)
	if len(unknown) > 0 {
		body.Fail(muterule.Unknown(unknown))
	}
	return selected, err
}

// include reads the people who made the rules, where the request wants them.
func include(ctx context.Context, r *rest.Request, read tenant.DB, rows ...tenantdb.ListMuteRulesRow) ([]jsonapi.Resource, error) {
	if !r.Includes(Type, "created_by") {
		return nil, nil
	}
	var makers []uuid.UUID
	for _, row := range rows {
		if row.CreatedBy != nil {
			makers = append(makers, *row.CreatedBy)
		}
	}
	return users.Included(ctx, r, read, "created_by", makers)
}

func resource(_ *rest.Request, row tenantdb.ListMuteRulesRow) jsonapi.Resource {
	return jsonapi.Resource{Type: Type, ID: row.ID.String(), Relationships: []jsonapi.Relation{jsonapi.ToOptional("created_by", "users", row.CreatedBy)},
		Attributes: jsonapi.Attributes(Attributes{InsertedAt: row.InsertedAt, UpdatedAt: row.UpdatedAt, Name: row.Name, Reason: row.Reason,
			Enabled: row.Enabled, FindingUIDs: row.FindingUids})}
}
