package muterules_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/ocsftest"
)

const path = "/mute-rules"

func mute(t *testing.T, by *apitest.Client, name string, ids ...string) *apitest.Answer {
	t.Helper()
	return by.Post(t, path, "mute-rules", map[string]any{"name": name, "reason": "Accepted", "finding_ids": ids}, nil)
}

// findings are the ids of the findings on the first page of a scan.
func findings(t *testing.T, by *apitest.Client, scan string) []string {
	t.Helper()
	page := by.Get(t, "/findings?filter[scan]="+scan).Want(t, 200)
	var ids []string
	for i := range page.Len("/data") {
		ids = append(ids, page.String("/data/"+string(rune('0'+i))+"/id"))
	}
	return ids
}

func TestAMuteRuleFromItsMakingToItsEnd(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	ada.Connect(t, "111111111111", "sample")
	ids := findings(t, ada, ada.Ingest(t, ocsftest.File{Account: "111111111111", Findings: 10}))
	made := mute(t, ada, "  Board  ", ids[0], ids[1], ids[0]).Want(t, 201)
	id := made.String("/data/id")
	if made.String("/data/attributes/name") != "Board" || made.Len("/data/attributes/finding_uids") != 2 || made.At("/data/attributes/enabled") != true ||
		made.String("/data/relationships/created_by/data/id") != ada.User {
		t.Errorf("made %s", made.Raw)
	}
	one := ada.Get(t, "/findings/"+ids[1]).Want(t, 200)
	if one.At("/data/attributes/muted") != true || one.String("/data/attributes/muted_reason") != "Accepted" {
		t.Errorf("the finding is %s", one.Raw)
	}
	changed := ada.Patch(t, path+"/"+id, "mute-rules", id, map[string]any{"name": "Renamed", "enabled": false}, nil).Want(t, 200)
	if changed.String("/data/attributes/name") != "Renamed" || changed.At("/data/attributes/enabled") != false || changed.String("/data/attributes/reason") != "Accepted" {
		t.Errorf("changed %s", changed.Raw)
	}
	mute(t, ada, "Again", ids[0]).Want(t, 201) // a rule that is off does not stand in the way
	if list := ada.Get(t, path+"?filter[search]=renamed&include=created_by.roles").Want(t, 200); list.Len("/data") != 1 || list.Len("/included") != 2 {
		t.Errorf("list %s", list.Raw)
	}
	ada.Delete(t, path+"/"+id).Want(t, 204)
	ada.Get(t, path+"/"+id).Want(t, 404)
	if one := ada.Get(t, "/findings/"+ids[1]).Want(t, 200); one.At("/data/attributes/muted") != true {
		t.Errorf("the end of the rule unmuted %s", one.Raw)
	}
}

func TestMuteRuleRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	ada.Connect(t, "111111111111", "sample")
	ids := findings(t, ada, ada.Ingest(t, ocsftest.File{Account: "111111111111", Findings: 10}))
	mute(t, ada, "Board", ids[0]).Want(t, 201)
	many := make([]string, 10_001)
	for i := range many {
		many[i] = uuid.NewString()
	}
	for name, one := range map[string]struct {
		attributes map[string]any
		status     int
		code       string
	}{
		"nothing":        {map[string]any{}, 400, "required"},
		"name taken":     {map[string]any{"name": "Board", "reason": "Because", "finding_ids": ids[1:2]}, 400, "invalid"},
		"NUL in name":    {map[string]any{"name": "Bo\x00ard", "reason": "Because", "finding_ids": ids[1:2]}, 400, "null_characters_not_allowed"},
		"NUL in reason":  {map[string]any{"name": "Other", "reason": "Be\x00cause", "finding_ids": ids[1:2]}, 400, "null_characters_not_allowed"},
		"short reason":   {map[string]any{"name": "Other", "reason": "x", "finding_ids": ids[1:2]}, 400, "min_length"},
		"no list":        {map[string]any{"name": "Other", "reason": "Because", "finding_ids": ids[1]}, 400, "not_a_list"},
		"empty list":     {map[string]any{"name": "Other", "reason": "Because", "finding_ids": []string{}}, 400, "invalid"},
		"null":           {map[string]any{"name": "Other", "reason": "Because", "finding_ids": nil}, 400, "null"},
		"nested":         {map[string]any{"name": "Other", "reason": "Because", "finding_ids": []any{[]string{ids[1]}}}, 400, "invalid"},
		"no such":        {map[string]any{"name": "Other", "reason": "Because", "finding_ids": []string{ids[1], uuid.NewString()}}, 400, "invalid"},
		"too many":       {map[string]any{"name": "Other", "reason": "Because", "finding_ids": many}, 400, "max_length"},
		"many unknown":   {map[string]any{"name": "Other", "reason": "Because", "finding_ids": many[1:]}, 400, "invalid"},
		"unknown member": {map[string]any{"name": "Other", "reason": "Because", "finding_ids": ids[1:2], "colour": "red"}, 400, "invalid"},
		"muted already":  {map[string]any{"name": "Other", "reason": "Because", "finding_ids": ids[:2]}, 409, "conflict"},
	} {
		answer := ada.Post(t, path, "mute-rules", one.attributes, nil)
		if answer.Status != one.status || answer.String("/errors/0/code") != one.code || len(answer.Raw) > 10_000 {
			t.Errorf("%s: %d %.400s", name, answer.Status, answer.Raw)
		}
	}
	for _, attributes := range []string{`[]`, `["name"]`, `"text"`, `7`, `null`} {
		answer := ada.Do(t, "POST", path, "application/vnd.api+json", []byte(`{"data":{"type":"mute-rules","attributes":`+attributes+`}}`))
		if answer.Status != 400 {
			t.Errorf("attributes %s: %d %s", attributes, answer.Status, answer.Raw)
		}
	}
	if list := ada.Get(t, path).Want(t, 200); list.Len("/data") != 1 {
		t.Errorf("refusals left %s", list.Raw)
	}
	if one := ada.Get(t, "/findings/"+ids[1]).Want(t, 200); one.At("/data/attributes/muted") != false {
		t.Errorf("a refusal muted %s", one.Raw)
	}
	id := ada.Get(t, path).String("/data/0/id")
	bob.Connect(t, "111111111111", "theirs")
	mute(t, bob, "Mine", ids[1]).Want(t, 400)
	mute(t, bob, "Board", findings(t, bob, bob.Ingest(t, ocsftest.File{Account: "111111111111", Findings: 10}))[0]).Want(t, 201)
	bob.Get(t, path+"/"+id).Want(t, 404)
	bob.Patch(t, path+"/"+id, "mute-rules", id, map[string]any{"name": "Theirs"}, nil).Want(t, 404)
	bob.Delete(t, path+"/"+id).Want(t, 404)
	eve := ada.Member(t, "Eve", ada.Role(t, "reader", nil))
	eve.Get(t, path).Want(t, 403)
	mute(t, eve, "Eves", ids[1]).Want(t, 403)
}

// TestMutingFollowsVisibility: who does not see a provider mutes nothing of it, whatever ids they have, and does not learn which of
// its findings a rule names; the rules themselves belong to the organisation.
func TestMutingFollowsVisibility(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	open := ada.Connect(t, "111111111111", "open")
	ada.Connect(t, "222222222222", "hidden")
	seen := findings(t, ada, ada.Ingest(t, ocsftest.File{Account: "111111111111", Findings: 10}))
	unseen := findings(t, ada, ada.Ingest(t, ocsftest.File{Account: "222222222222", Findings: 10}))
	group := ada.Post(t, "/provider-groups", "provider-groups", map[string]any{"name": "team"},
		map[string]any{"providers": apitest.Many("providers", open)}).Want(t, 201).String("/data/id")
	dan := ada.Member(t, "Dan", ada.Role(t, "scanner", map[string]any{"manage_scans": true}, group))
	refused := mute(t, dan, "Dans", seen[0], unseen[0]).Want(t, 400)
	if detail := refused.String("/errors/0/detail"); !strings.Contains(detail, unseen[0]) || strings.Contains(detail, seen[0]) {
		t.Errorf("refused with %s", detail)
	}
	unknown := mute(t, dan, "Dans", uuid.Nil.String()).Want(t, 400)
	if strings.Replace(refused.String("/errors/0/detail"), unseen[0], uuid.Nil.String(), 1) != unknown.String("/errors/0/detail") {
		t.Errorf("a hidden finding is refused with %s, an unknown one with %s", refused.Raw, unknown.Raw)
	}
	id := mute(t, ada, "Adas", seen[0], unseen[0]).Want(t, 201).String("/data/id")
	rule := dan.Get(t, path+"/"+id).Want(t, 200)
	if rule.Len("/data/attributes/finding_uids") != 1 || strings.Contains(string(rule.Raw), "222222222222") {
		t.Errorf("dan reads %s", rule.Raw)
	}
	mute(t, dan, "Dans", seen[1]).Want(t, 201)
	if whole := ada.Get(t, path+"/"+id).Want(t, 200); whole.Len("/data/attributes/finding_uids") != 2 {
		t.Errorf("ada reads %s", whole.Raw)
	}
	dan.Delete(t, path+"/"+id).Want(t, 204)
	ada.Get(t, path+"/"+id).Want(t, 404)
}
