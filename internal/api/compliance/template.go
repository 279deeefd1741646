package compliance

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/compliance"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/memo"
)

// templates are the requirements of revisions, written but for what became of them.
type templates struct {
	made *memo.Memo[templatesKey, []*jsonapi.Template]
}

type templatesKey struct {
	revision uuid.UUID
	scored   bool
}

func newTemplates() templates {
	return templates{made: memo.New[templatesKey, []*jsonapi.Template](16 << 20)}
}

// of are the templates of a result's requirements, in its order. Those of several revisions together are not kept.
func (t templates) of(result *compliance.Result, scored bool) ([]*jsonapi.Template, error) {
	key := templatesKey{revision: result.Revision, scored: scored}
	if known, ok := t.made.Get(key); ok {
		return known, nil
	}
	many, size := make([]*jsonapi.Template, len(result.Standings)), 0
	for i, standing := range result.Standings {
		attributes := []jsonapi.Attribute{{Name: "framework", Value: result.Framework}, {Name: "version", Value: result.Version},
			{Name: "description", Value: standing.Description}, {Name: "status", Value: jsonapi.Gap{}}}
		if scored {
			attributes = append(attributes, jsonapi.Attribute{Name: "passed_findings", Value: jsonapi.Gap{}},
				jsonapi.Attribute{Name: "total_findings", Value: jsonapi.Gap{}})
		}
		template, err := jsonapi.NewTemplate(jsonapi.Resource{Type: requirementType, ID: standing.ID, Attributes: attributes})
		if err != nil {
			return nil, fmt.Errorf("write requirement %s of %s: %w", standing.ID, result.ID, err)
		}
		many[i], size = template, size+template.Size()
	}
	if result.Revision != uuid.Nil {
		t.made.Put(key, many, size)
	}
	return many, nil
}
