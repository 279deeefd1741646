// Package demo fills a running server with sample organisations, people and findings, through the API as any client would,
// and says how to try them. All of it is invented, and marked as samples.
//
// What does not belong here: a way into the server that clients do not have.
package demo

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"time"
)

// samples are findings files of invented accounts.
//
//go:embed samples/*.ocsf.json
var samples embed.FS

// ingestLimit is the longest that one sample file may take.
const ingestLimit = 2 * time.Minute

// person is somebody who can log in.
type person struct {
	name, email, about string
	role               *role // nil: the one who founded the organisation
}

// role is what an invited person may do.
type role struct {
	name        string
	permissions []string // attributes that are true
	groups      []string // names of provider groups; none: the role shows no provider unless it sees all
}

// account is a sample provider with the findings files that are fed in, oldest first.
type account struct {
	kind, uid, alias string
	files            []string
}

// organisation is a tenant with everything in it.
type organisation struct {
	name     string
	founder  person
	accounts []account
	groups   map[string][]string // name of a provider group: uids of its providers
	people   []person
}

// organisations are the samples.
var organisations = []organisation{{
	name:    "Harbour Lines (sample)",
	founder: person{name: "Ana Admin", email: "ana@harbour.example", about: "administrator, sees everything"},
	accounts: []account{
		{kind: "aws", uid: "111111111111", alias: "production", files: []string{"production-1", "production-2"}},
		{kind: "aws", uid: "222222222222", alias: "sandbox", files: []string{"sandbox"}},
		{kind: "gcp", uid: "sample-analytics-1", alias: "analytics", files: []string{"analytics"}},
	},
	groups: map[string][]string{"Production": {"111111111111"}, "Experiments": {"222222222222", "sample-analytics-1"}},
	people: []person{
		{name: "Otto Auditor", email: "otto@harbour.example", about: "auditor, reads the provider group Experiments alone",
			role: &role{name: "Auditor of experiments", groups: []string{"Experiments"}}},
		{name: "Oda Operator", email: "oda@harbour.example", about: "operator, manages providers and scans of the group Production",
			role: &role{name: "Production operator", permissions: []string{"manage_scans"}, groups: []string{"Production"}}},
	},
}, {
	name:     "Mill Street Bank (sample)",
	founder:  person{name: "Mia Manager", email: "mia@mill.example", about: "administrator of another organisation"},
	accounts: []account{{kind: "azure", uid: "3f0c9d1e-5a3b-4c1e-9d2f-000000000001", alias: "banking", files: []string{"banking"}}},
}}

// Fill puts the samples into the server at base (e.g. http://127.0.0.1:8080/api/v1), whose people all get that password.
// What is there already from an earlier run, even one that was cut off, stays as it is.
func Fill(ctx context.Context, base, password string) error {
	for _, sample := range organisations {
		if err := fillOrganisation(ctx, base, password, sample); err != nil {
			return fmt.Errorf("sample organisation %s: %w", sample.name, err)
		}
	}
	return nil
}

func fillOrganisation(ctx context.Context, base, password string, sample organisation) error {
	founder, err := signUp(ctx, base, password, sample.founder, "")
	if err != nil {
		return err
	}
	if err := founder.nameTenant(ctx, sample.name); err != nil {
		return err
	}
	providers := map[string]string{}
	for _, account := range sample.accounts {
		if providers[account.uid], err = founder.ensureProvider(ctx, account); err != nil {
			return fmt.Errorf("provider %s: %w", account.alias, err)
		}
	}
	groups := map[string]string{}
	for name, uids := range sample.groups {
		var members []string
		for _, uid := range uids {
			members = append(members, providers[uid])
		}
		if groups[name], err = founder.ensure(ctx, "/provider-groups", "provider-groups", "filter[name]", name,
			map[string]any{"name": name}, map[string]any{"providers": linkage("providers", members)}); err != nil {
			return fmt.Errorf("provider group %s: %w", name, err)
		}
	}
	for _, one := range sample.people {
		if err := founder.ensurePerson(ctx, password, one, groups); err != nil {
			return fmt.Errorf("person %s: %w", one.name, err)
		}
	}
	for _, account := range sample.accounts {
		if err := founder.ensureFindings(ctx, providers[account.uid], account.files); err != nil {
			return fmt.Errorf("findings of %s: %w", account.alias, err)
		}
	}
	return nil
}

// Guide is what a newcomer reads: where the server is, who can log in, and requests that work as pasted.
func Guide(base, password string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Palisade runs at %s with sample data. Everything in it is invented.\nThe API for reading: %s/docs\n\nLog-ins, all with the password %s\n",
		base, base, password)
	for _, sample := range organisations {
		fmt.Fprintf(&text, "  %s\n", sample.name)
		for _, one := range append([]person{sample.founder}, sample.people...) {
			fmt.Fprintf(&text, "    %-22s %s\n", one.email, one.about)
		}
	}
	fmt.Fprintf(&text, tour, base, password)
	return text.String()
}

// tour is requests to paste: %[1]s the API's base, %[2]s the password. No comments: some shells take them for commands.
const tour = `
Try it: paste these lines into another terminal.

API=%[1]s
login() { curl -s $API/tokens -H 'Content-Type: application/vnd.api+json' -d '{"data":{"type":"tokens","attributes":{"email":"'$1'","password":"%[2]s"}}}' | sed 's/.*"access": *"\([^"]*\)".*/\1/'; }
show() { curl -s -g -H "Authorization: Bearer $1" "$API/$2" | grep -o '"attributes":{[^}]*}'; }
ANA=$(login ana@harbour.example); OTTO=$(login otto@harbour.example); MIA=$(login mia@mill.example)

echo '-- The failed findings of the latest scans, worst first:'
show "$ANA" 'findings/latest?filter[status]=FAIL&sort=severity&fields[findings]=severity,status_extended,check_id&page[size]=5'

echo '-- Ana sees all three accounts of Harbour Lines:'
show "$ANA" 'providers?fields[providers]=provider,uid,alias'
echo '-- Otto, the auditor, sees those of his provider group:'
show "$OTTO" 'providers?fields[providers]=provider,uid,alias'
echo '-- Mia, of the other organisation, sees none of them:'
show "$MIA" 'providers?fields[providers]=provider,uid,alias'

echo '-- One question, two answers: how many findings do Ana and Otto see?'
show "$ANA" 'overviews/findings'
show "$OTTO" 'overviews/findings'

echo '-- Otto may look but not touch:'
curl -s -X POST $API/providers -H "Authorization: Bearer $OTTO" -H 'Content-Type: application/vnd.api+json' -d '{"data":{"type":"providers","attributes":{"provider":"aws","uid":"333333333333"}}}'; echo
`
