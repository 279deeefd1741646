// Package ocsftest makes findings files of invented content, in the shape in which scanners write them. Tests and
// benchmarks only.
package ocsftest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// File says what a made file is like. The same File always makes the same bytes.
type File struct {
	Account  string // account uid of an aws provider
	Findings int
	// Flip turns every so many-th finding's status around, for a second scan of the same account; 0: none.
	Flip int
	// Padding is the length of the text that each check says of itself, to reach realistic sizes.
	Padding int
}

var (
	services   = []string{"iam", "s3", "ec2", "kms", "rds", "lambda", "vpc", "sqs"}
	severities = []string{"Critical", "High", "Medium", "Low", "Informational"}
	regions    = []string{"eu-west-1", "eu-central-1", "us-east-1", "us-west-2"}
)

// Write writes the file as one JSON array.
func (f File) Write(w io.Writer) error {
	buffered := bufio.NewWriter(w)
	for i := range f.Findings {
		separator := ",\n"
		if i == 0 {
			separator = "["
		}
		encoded, err := json.Marshal(f.Finding(i))
		if err != nil {
			return fmt.Errorf("encode finding: %w", err)
		}
		if _, err := buffered.WriteString(separator + string(encoded)); err != nil {
			return err
		}
	}
	if f.Findings == 0 {
		_, _ = buffered.WriteString("[") // reported by Flush
	}
	_, _ = buffered.WriteString("]\n")
	return buffered.Flush()
}

// checksOfService is how many checks a service has.
const checksOfService = 8

func checkID(service string, number int) string {
	return fmt.Sprintf("%s_sample_check_%d", service, number)
}

// Checks are the ids of the checks that made files name.
func Checks() []string {
	var all []string
	for _, service := range services {
		for number := range checksOfService {
			all = append(all, checkID(service, number))
		}
	}
	return all
}

// Finding is the i-th finding: eight checks a service, five findings of different checks a resource.
func (f File) Finding(i int) map[string]any {
	service := services[i/5%len(services)]
	check := checkID(service, (i%5+i/5/len(services))%checksOfService)
	resource := fmt.Sprintf("%s-%d", service, i/5)
	region := regions[i/40%len(regions)]
	status := "PASS"
	if (i%3 == 0) != (f.Flip > 0 && i%f.Flip == 0) {
		status = "FAIL"
	}
	return map[string]any{
		"message": "Sample.", "metadata": map[string]any{"event_code": check, "product": map[string]any{"name": "Prowler", "vendor_name": "Prowler", "version": "0.0.0"}, "version": "1.5.0"},
		"severity": severities[i/7%len(severities)], "severity_id": 5 - i/7%len(severities), "status": "New", "status_id": 1, "status_code": status,
		"status_detail": fmt.Sprintf("%s %s is as the sample of check %s says it is.", service, resource, check),
		"unmapped": map[string]any{"provider": "aws", "provider_uid": f.Account, "categories": []string{"sample-" + service},
			"notes": "", "related_url": "", "depends_on": []string{}, "related_to": []string{}, "compliance": map[string]any{"Sample-1.0": []string{"1", "2"}}},
		"finding_info": map[string]any{"uid": fmt.Sprintf("prowler-aws-%s-%s-%s-%s-%d", check, f.Account, region, resource, i),
			"title": "Sample check of " + service, "desc": "A sample. " + strings.Repeat("x", f.Padding), "types": []string{"Sample"}},
		"resources": []any{map[string]any{"uid": fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, region, f.Account, resource), "name": resource, "region": region,
			"type": "AwsSample" + service, "cloud_partition": "aws", "group": map[string]any{"name": service}, "labels": []string{"env:sample"},
			"data": map[string]any{"details": "", "metadata": map[string]any{"name": resource, "sample": true}}}},
		"cloud":       map[string]any{"provider": "aws", "region": region, "account": map[string]any{"uid": f.Account, "name": "Sample"}},
		"remediation": map[string]any{"desc": "Nothing to do.", "references": []string{}}, "risk_details": "None.",
		"class_uid": 2004, "category_uid": 2, "activity_id": 1, "type_uid": 200401, "time": 1790000000,
	}
}
