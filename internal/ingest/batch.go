package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash/maphash"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/gen/tenantdb"
	"github.com/palisade-sec/palisade/internal/ocsf"
)

// plan is a batch in the form that the statements take: columns of one length each.
type plan struct {
	resources  tenantdb.UpsertResourcesParams
	tags       tenantdb.AddResourceTagsParams
	groups     tenantdb.AddResourceGroupsParams
	metadata   tenantdb.AddCheckMetadataParams
	categories tenantdb.AddCheckMetadataCategoriesParams
	findings   tenantdb.InsertFindingsParams

	changed []changedResource
	learned map[[16]byte]knownResource
	// resourceOf is, for each finding, the key of its resource.
	resourceOf [][16]byte
}

// changedResource is a resource that has to be written, as the batch saw it last.
type changedResource struct {
	key      [16]byte
	resource *ocsf.Resource
	content  uint64
	groups   map[string]bool
	tags     map[ocsf.Tag]bool
}

// plan lays the batch out.
func (r *Run) plan() (*plan, error) {
	p := &plan{learned: make(map[[16]byte]knownResource)}
	tenantID, count := r.scope.Tenant(), len(r.batch)
	p.findings = tenantdb.InsertFindingsParams{TenantID: tenantID, ProviderID: r.scan.ProviderID, ScanID: r.scan.ID, MutedReason: mutedByEngine,
		Since: r.history.Since, Unfinished: r.history.Unfinished}
	p.metadata = tenantdb.AddCheckMetadataParams{TenantID: tenantID}
	p.categories = tenantdb.AddCheckMetadataCategoriesParams{TenantID: tenantID}
	p.resourceOf = make([][16]byte, 0, count)
	changed := make(map[[16]byte]int)
	planned := make(map[uuid.UUID]bool)
	for i := range r.batch {
		finding := &r.batch[i]
		p.addResource(r, finding, changed)
		p.addMetadata(r, finding.Check, finding.CheckID, planned)
		if err := p.addFinding(r, finding); err != nil {
			return nil, err
		}
	}
	p.layOutResources(r)
	return p, nil
}

// addResource notes the finding's resource; the last finding of a batch says what it looks like.
func (p *plan) addResource(r *Run, finding *ocsf.Finding, changed map[[16]byte]int) {
	key := resourceKey(finding.Resource.UID)
	p.resourceOf = append(p.resourceOf, key)
	content := resourceContent(finding)
	if at, ok := changed[key]; ok {
		one := &p.changed[at]
		one.resource, one.content = &finding.Resource, content
		one.add(finding)
		return
	}
	if known, ok := r.resources[key]; ok && known.content == content {
		return
	}
	one := changedResource{key: key, resource: &finding.Resource, content: content, groups: make(map[string]bool), tags: make(map[ocsf.Tag]bool)}
	one.add(finding)
	changed[key] = len(p.changed)
	p.changed = append(p.changed, one)
}

// add notes what accumulates over the findings about a resource: groups and tags.
func (c *changedResource) add(finding *ocsf.Finding) {
	if group := finding.Check.ResourceGroup; group != "" {
		c.groups[group] = true
	}
	for _, tag := range finding.Resource.Tags {
		c.tags[tag] = true
	}
}

// resourceKey identifies a resource by its uid in bounded memory.
func resourceKey(uid string) [16]byte {
	sum := sha256.Sum256([]byte(uid))
	return [16]byte(sum[:16])
}

// resourceContent changes whenever something of the resource changes that is stored.
func resourceContent(finding *ocsf.Finding) uint64 {
	var hash maphash.Hash
	hash.SetSeed(contentSeed)
	resource := &finding.Resource
	for _, text := range []string{resource.Name, resource.Region, resource.Service, resource.Type, resource.Details, resource.Partition, finding.Check.ResourceGroup} {
		_, _ = hash.WriteString(text) // never fails
		_ = hash.WriteByte(0)
	}
	_, _ = hash.Write(resource.Metadata)
	for _, tag := range resource.Tags {
		_, _ = hash.WriteString(tag.Key + "\x00" + tag.Value + "\x00")
	}
	return hash.Sum64()
}

func (p *plan) addMetadata(r *Run, check *ocsf.CheckMetadata, checkID string, planned map[uuid.UUID]bool) {
	id := metadataID(check.Hash)
	if r.metadata[id] || planned[id] {
		return
	}
	planned[id] = true
	p.metadata.Ids = append(p.metadata.Ids, id)
	p.metadata.CheckIds = append(p.metadata.CheckIds, checkID)
	p.metadata.Contents = append(p.metadata.Contents, json.RawMessage(check.JSON))
	for _, category := range check.Categories {
		p.categories.CheckMetadataIds = append(p.categories.CheckMetadataIds, id)
		p.categories.Categories = append(p.categories.Categories, category)
	}
}

func (p *plan) addFinding(r *Run, finding *ocsf.Finding) error {
	id, moment, err := r.moments.next()
	if err != nil {
		return err
	}
	f := &p.findings
	f.Ids = append(f.Ids, id)
	f.CheckMetadataIds = append(f.CheckMetadataIds, metadataID(finding.Check.Hash))
	f.UidHashes = append(f.UidHashes, UIDHash(finding.UID))
	f.InsertedAts = append(f.InsertedAts, moment)
	f.Muted = append(f.Muted, finding.Muted)
	f.Statuses = append(f.Statuses, finding.Status)
	f.Severities = append(f.Severities, finding.Severity)
	f.Uids = append(f.Uids, finding.UID)
	f.CheckIds = append(f.CheckIds, finding.CheckID)
	f.StatusesExtended = append(f.StatusesExtended, finding.StatusDetail)
	f.Regions = append(f.Regions, finding.Resource.Region)
	f.Services = append(f.Services, finding.Resource.Service)
	f.ResourceTypes = append(f.ResourceTypes, finding.Resource.Type)
	f.ResourceGroups = append(f.ResourceGroups, finding.Check.ResourceGroup)
	return nil
}

// layOutResources turns the changed resources into columns.
func (p *plan) layOutResources(r *Run) {
	u := &p.resources
	u.TenantID, u.ProviderID, u.StoredAt = r.scope.Tenant(), r.scan.ProviderID, now()
	for i := range p.changed {
		resource := p.changed[i].resource
		u.Ids = append(u.Ids, uuid.New())
		u.Uids = append(u.Uids, resource.UID)
		u.Names = append(u.Names, resource.Name)
		u.Regions = append(u.Regions, resource.Region)
		u.Services = append(u.Services, resource.Service)
		u.Types = append(u.Types, resource.Type)
		u.Metadata = append(u.Metadata, ocsf.MetadataText(resource.Metadata))
		u.Details = append(u.Details, resource.Details)
		u.Partitions = append(u.Partitions, resource.Partition)
	}
}

// guide prepares a transaction that stores some of a scan.
func guide(ctx context.Context, queries *tenantdb.Queries) error {
	if err := queries.DeferFlush(ctx); err != nil {
		return fmt.Errorf("defer flush: %w", err)
	}
	if err := queries.GuidePlanner(ctx); err != nil {
		return fmt.Errorf("guide planner: %w", err)
	}
	return nil
}

// hasSubjects says whether there is anything that storeSubjects would store.
func (p *plan) hasSubjects() bool { return len(p.changed) > 0 || len(p.metadata.Ids) > 0 }

// storeSubjects stores what findings of a batch refer to: resources and what checks say of themselves.
func (r *Run) storeSubjects(ctx context.Context, queries *tenantdb.Queries, p *plan) error {
	if err := guide(ctx, queries); err != nil {
		return err
	}
	if err := r.storeResources(ctx, queries, p); err != nil {
		return err
	}
	if len(p.metadata.Ids) > 0 {
		if err := queries.AddCheckMetadata(ctx, p.metadata); err != nil {
			return fmt.Errorf("add check metadata: %w", err)
		}
	}
	if len(p.categories.Categories) > 0 {
		if err := queries.AddCheckMetadataCategories(ctx, p.categories); err != nil {
			return fmt.Errorf("add categories: %w", err)
		}
	}
	return nil
}

// nameResources gives the findings the ids of their resources, which are known once those are stored.
func (p *plan) nameResources(r *Run) {
	p.findings.ResourceIds = make([]uuid.UUID, len(p.resourceOf))
	for i, key := range p.resourceOf {
		known, ok := p.learned[key]
		if !ok {
			known = r.resources[key]
		}
		p.findings.ResourceIds[i] = known.id
	}
}

func (r *Run) storeResources(ctx context.Context, queries *tenantdb.Queries, p *plan) error {
	if len(p.changed) == 0 {
		return nil
	}
	rows, err := queries.UpsertResources(ctx, p.resources)
	if err != nil {
		return fmt.Errorf("upsert resources: %w", err)
	}
	ids := make(map[string]uuid.UUID, len(rows))
	for _, row := range rows {
		ids[row.Uid] = row.ID
	}
	p.tags = tenantdb.AddResourceTagsParams{TenantID: p.resources.TenantID, ProviderID: p.resources.ProviderID}
	p.groups = tenantdb.AddResourceGroupsParams{TenantID: p.resources.TenantID, ProviderID: p.resources.ProviderID}
	for i := range p.changed {
		one := &p.changed[i]
		id, ok := ids[one.resource.UID]
		if !ok {
			return fmt.Errorf("a stored resource has no id")
		}
		p.learned[one.key] = knownResource{id: id, content: one.content}
		for tag := range one.tags {
			p.tags.ResourceIds = append(p.tags.ResourceIds, id)
			p.tags.Keys = append(p.tags.Keys, tag.Key)
			p.tags.Values = append(p.tags.Values, tag.Value)
		}
		for name := range one.groups {
			p.groups.ResourceIds = append(p.groups.ResourceIds, id)
			p.groups.Names = append(p.groups.Names, name)
		}
	}
	if len(p.tags.Keys) > 0 {
		if err := queries.AddResourceTags(ctx, p.tags); err != nil {
			return fmt.Errorf("add tags: %w", err)
		}
	}
	if len(p.groups.Names) > 0 {
		if err := queries.AddResourceGroups(ctx, p.groups); err != nil {
			return fmt.Errorf("add resource groups: %w", err)
		}
	}
	return nil
}
