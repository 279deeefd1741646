package compliance

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/tenant"
)

// Judge is the framework that one scan is judged by: the revision that it was held against or, when it was held against none of that
// id, the framework as it is now.
type Judge struct {
	ID      string
	held    uuid.UUID // uuid.Nil: none
	edition *Edition  // nil: the framework is not in the catalogue any more
}

// Detailed is a framework with all that is known of its requirements.
type Detailed struct {
	Framework, Name, Version, Description string
	Requirements                          []DetailedRequirement // each id once
}

// DetailedRequirement is a requirement with its attributes, which are a JSON list; nil: none are known.
type DetailedRequirement struct {
	Requirement
	Attributes json.RawMessage
}

// FindJudge looks up the framework of an id for a scan of a provider of a type; ok is false when there is none.
func FindJudge(ctx context.Context, db tenant.DB, scan uuid.UUID, provider, id string) (judge Judge, ok bool, err error) {
	var editions []Edition
	var held []tenantdb.ListComplianceByScanRow
	err = tenant.Together(ctx, db, func(db tenant.DB) (err error) {
		editions, err = Editions(ctx, db, id, []string{provider})
		return err
	}, func(db tenant.DB) (err error) {
		held, err = tenantdb.New(db).ListComplianceByScan(ctx, tenantdb.ListComplianceByScanParams{ScanIds: []uuid.UUID{scan}, ComplianceID: id})
		if err != nil {
			return fmt.Errorf("find compliance: %w", err)
		}
		return nil
	})
	if err != nil {
		return Judge{}, false, err
	}
	judge.ID = id
	if len(held) > 0 {
		judge.held = held[0].RevisionID
	}
	if len(editions) > 0 {
		judge.edition = &editions[0]
	}
	return judge, len(held)+len(editions) > 0, nil
}

// Read returns the framework. Attributes and the description are those of now, which no revision keeps; ok is false when it has been
// removed meanwhile.
func (j Judge) Read(ctx context.Context, db tenant.DB) (read Detailed, ok bool, err error) {
	now, present := catalogue.Framework{}, false
	if j.edition != nil {
		if now, _, present, err = j.edition.Read(ctx, db); err != nil {
			return Detailed{}, false, err
		}
	}
	current := detail(now)
	if j.held == uuid.Nil {
		return current, present, nil
	}
	known, err := load(ctx, tenantdb.New(db), []uuid.UUID{j.held})
	if err != nil {
		return Detailed{}, false, err
	}
	revision := known[j.held]
	if revision == nil {
		return current, present, nil
	}
	read = Detailed{Framework: revision.Framework, Name: revision.Name, Version: revision.Version, Description: now.Description}
	attributes := make(map[string]json.RawMessage, len(current.Requirements))
	for _, one := range current.Requirements {
		attributes[one.ID] = one.Attributes
	}
	for _, one := range revision.Requirements {
		read.Requirements = append(read.Requirements, DetailedRequirement{Requirement: one, Attributes: attributes[one.ID]})
	}
	return read, true, nil
}

// detail is a framework as it is now. A requirement that stands twice is the last of its id, in the place of the first, as in
// revisions.
func detail(now catalogue.Framework) Detailed {
	made := Detailed{Framework: now.Framework, Name: now.Name, Version: now.Version, Description: now.Description}
	at := make(map[string]int, len(now.Requirements))
	for i := range now.Requirements {
		one := &now.Requirements[i]
		whole := DetailedRequirement{Requirement: Requirement{ID: one.ID, Description: one.Description, Checks: one.Checks}, Attributes: one.Attributes}
		if place, twice := at[one.ID]; twice {
			made.Requirements[place] = whole
			continue
		}
		at[one.ID] = len(made.Requirements)
		made.Requirements = append(made.Requirements, whole)
	}
	return made
}
