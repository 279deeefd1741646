package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/ocsftest"
	"github.com/palisade-sec/palisade/internal/system"
)

// frameworkID is the framework whose requirements are asked for: as large as the larger ones in use.
const frameworkID = "sample_1.0_aws"

// importCatalogue makes the made file's checks known, and four frameworks of invented content that they serve.
func importCatalogue(ctx context.Context, executor *system.Executor) error {
	content, err := json.Marshal(map[string]any{"engine": "sample", "version": "0.0.1", "providers": map[string]any{"aws": map[string]any{
		"frameworks": map[string]any{
			frameworkID:               framework("Sample", 240, 6),
			"house_2.0_aws":           framework("House", 120, 3),
			"garden_1.1_aws":          framework("Garden", 40, 2),
			"prowler_threatscore_aws": framework("ProwlerThreatScore", 80, 2),
		}}}})
	if err != nil {
		return err
	}
	if _, err := catalogue.Import(ctx, executor, bytes.NewReader(content)); err != nil {
		return fmt.Errorf("make checks known: %w", err)
	}
	return nil
}

// framework has so many requirements, each served by so many checks, but for every tenth, which is met by hand.
func framework(name string, requirements, checks int) map[string]any {
	known := ocsftest.Checks()
	var all []map[string]any
	for i := range requirements {
		one := map[string]any{"id": fmt.Sprintf("%d.%d", i/10+1, i%10+1), "name": fmt.Sprintf("Requirement %d of %s", i+1, name),
			"description": "What is sampled is as the sample says that it should be, which somebody looks after and writes down.",
			"attributes": []any{map[string]any{"Title": fmt.Sprintf("Sample %d", i), "Section": fmt.Sprintf("%d. Section", i/10+1), "SubSection": "1.1 Samples",
				"AttributeDescription": "A sample of what a requirement says of itself in some words.", "AdditionalInformation": "More of it.",
				"LevelOfRisk": i%5 + 1, "Weight": 10 * (i%10 + 1)}}}
		if i%10 != 9 {
			var serving []string
			for j := range checks {
				serving = append(serving, known[(i*checks+j)%len(known)])
			}
			one["checks"] = serving
		}
		all = append(all, one)
	}
	return map[string]any{"framework": name, "name": name + " rules", "version": "1.0", "description": "Invented, to measure with.", "requirements": all}
}
