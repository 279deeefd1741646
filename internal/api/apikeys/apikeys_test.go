package apikeys_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/palisade-sec/palisade/internal/apitest"
)

const nobody = "00000000-0000-4000-8000-000000000000"

func TestKeyLifecycle(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	made := ada.Post(t, "/api-keys", "api-keys", map[string]any{"name": " nightly "}, nil).Want(t, 201)
	id, text := made.String("/data/id"), made.String("/data/attributes/api_key")
	prefix, secret, _ := strings.Cut(text, ".")
	expires, err := time.Parse(time.RFC3339, made.String("/data/attributes/expires_at"))
	if err != nil || expires.Before(time.Now().Add(364*24*time.Hour)) || expires.After(time.Now().Add(366*24*time.Hour)) {
		t.Errorf("expires %v (%v)", expires, err)
	}
	if made.String("/data/attributes/name") != "nightly" || made.String("/data/attributes/prefix") != prefix || len(secret) < 43 ||
		made.At("/data/attributes/last_used_at") != nil || made.String("/data/relationships/entity/data/id") != ada.User {
		t.Errorf("created %s", made.Raw)
	}
	renamed := ada.Patch(t, "/api-keys/"+id, "api-keys", id, map[string]any{"name": "weekly", "expires_at": "2099-01-01T00:00:00Z"}, nil).Want(t, 200)
	if renamed.String("/data/attributes/name") != "weekly" || renamed.String("/data/attributes/expires_at") != made.String("/data/attributes/expires_at") {
		t.Errorf("renamed %s", renamed.Raw)
	}
	revoked := ada.Delete(t, "/api-keys/"+id+"/revoke").Want(t, 200)
	if revoked.At("/data/attributes/revoked") != true {
		t.Errorf("revoked %s", revoked.Raw)
	}
	if again := ada.Delete(t, "/api-keys/"+id+"/revoke").Want(t, 400); again.String("/errors/0/detail") != "API key is already revoked" {
		t.Errorf("again %s", again.Raw)
	}
	ada.Patch(t, "/api-keys/"+id, "api-keys", id, map[string]any{"name": "gone"}, nil).Want(t, 200)
	for _, answer := range []*apitest.Answer{renamed, revoked, ada.Get(t, "/api-keys").Want(t, 200), ada.Get(t, "/api-keys/"+id).Want(t, 200)} {
		if strings.Contains(string(answer.Raw), secret) || answer.At("/data/attributes/api_key") != nil {
			t.Errorf("the key is shown again: %s", answer.Raw)
		}
	}
}

func TestKeyRefusals(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	id, _ := ada.Key(t, "taken")
	other, _ := ada.Key(t, "other")
	ada.Delete(t, "/api-keys/"+id+"/revoke").Want(t, 200)
	for name, one := range map[string]struct {
		attributes map[string]any
		code       string
	}{
		"no name":            {nil, "required"},
		"null":               {map[string]any{"name": nil}, "null"},
		"short":              {map[string]any{"name": "ab"}, "min_length"},
		"long":               {map[string]any{"name": strings.Repeat("x", 101)}, "max_length"},
		"a list":             {map[string]any{"name": []string{"a", "b", "c"}}, "invalid"},
		"a zero byte":        {map[string]any{"name": "a\x00bc"}, "null_characters_not_allowed"},
		"taken by a revoked": {map[string]any{"name": "taken"}, "invalid"},
		"no moment":          {map[string]any{"name": "fine", "expires_at": "soon"}, "invalid"},
		"a number":           {map[string]any{"name": "fine", "expires_at": 1}, "invalid"},
		"no year":            {map[string]any{"name": "fine", "expires_at": "9999-12-31T23:59:59-05:00"}, "overflow"},
		"unknown":            {map[string]any{"name": "fine", "whitelisted_ips": []string{}}, "invalid"},
	} {
		answer := ada.Post(t, "/api-keys", "api-keys", one.attributes, nil)
		if answer.Status != 400 || answer.String("/errors/0/code") != one.code || answer.Len("/errors") != 1 {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Raw)
		}
	}
	ada.Patch(t, "/api-keys/"+other, "api-keys", other, map[string]any{"name": "taken"}, nil).Want(t, 400)
	ada.Patch(t, "/api-keys/"+other, "api-keys", other, map[string]any{"name": nil}, nil).Want(t, 400)
	ada.Patch(t, "/api-keys/"+other, "api-keys", other, map[string]any{"revoked": true}, nil).Want(t, 400)
	ada.Patch(t, "/api-keys/"+other, "api-keys", id, map[string]any{"name": "mixed up"}, nil).Want(t, 409)
	ada.Patch(t, "/api-keys/"+other, "api-keys", other, map[string]any{"name": "other"}, nil).Want(t, 200)
	ada.Get(t, "/api-keys?filter[entity]="+ada.User).Want(t, 400)
	ada.Get(t, "/api-keys?filter[expires_at]=x").Want(t, 400)
	ada.Get(t, "/api-keys?sort=last_used_at").Want(t, 400)
	ada.Get(t, "/api-keys?include=roles").Want(t, 400)
	ada.Get(t, "/api-keys/12").Want(t, 404)
	ada.Delete(t, "/api-keys/"+nobody+"/revoke").Want(t, 404)
	ada.Delete(t, "/api-keys/"+other).Want(t, 405)
	if list := ada.Get(t, "/api-keys").Want(t, 200); list.Len("/data") != 2 {
		t.Errorf("a refusal left %s", list.Raw)
	}
	server.Anonymous().Get(t, "/api-keys").Want(t, 401)
}

func TestKeysAreTheTenantsAndNeedManageAccount(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	id, _ := ada.Key(t, "nightly")
	bob.Get(t, "/api-keys/"+id).Want(t, 404)
	bob.Patch(t, "/api-keys/"+id, "api-keys", id, map[string]any{"name": "mine"}, nil).Want(t, 404)
	bob.Delete(t, "/api-keys/"+id+"/revoke").Want(t, 404)
	if list := bob.Get(t, "/api-keys").Want(t, 200); list.Len("/data") != 0 {
		t.Errorf("bob sees %s", list.Raw)
	}
	bob.Key(t, "nightly") // a name is taken in its tenant only
	for name, attributes := range map[string]map[string]any{"Eve": nil, "Una": {"manage_users": true, "manage_providers": true}} {
		member := ada.Member(t, name, ada.Role(t, "of "+name, attributes))
		member.Get(t, "/api-keys").Want(t, 403)
		member.Get(t, "/api-keys/"+id).Want(t, 403)
		member.Post(t, "/api-keys", "api-keys", map[string]any{"name": "mine"}, nil).Want(t, 403)
		member.Patch(t, "/api-keys/"+id, "api-keys", id, map[string]any{"name": "mine"}, nil).Want(t, 403)
		member.Delete(t, "/api-keys/"+id+"/revoke").Want(t, 403)
	}
	if one := ada.Get(t, "/api-keys/"+id).Want(t, 200); one.String("/data/attributes/name") != "nightly" || one.At("/data/attributes/revoked") != false {
		t.Errorf("ada's key is %s", one.Raw)
	}
	keeper := ada.Member(t, "Kim", ada.Role(t, "keepers", map[string]any{"manage_account": true}))
	keeper.Patch(t, "/api-keys/"+id, "api-keys", id, map[string]any{"name": "by kim"}, nil).Want(t, 200)
	keeper.Delete(t, "/api-keys/"+id+"/revoke").Want(t, 200)
}

func TestKeysAreFilteredSortedAndComeWithTheirOwners(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	first, text := ada.Key(t, "alpha")
	prefix, _, _ := strings.Cut(text, ".")
	second, _ := ada.Key(t, "Beta_1")
	keeper := ada.Member(t, "Kim", ada.Role(t, "keepers", map[string]any{"manage_account": true}))
	third, _ := keeper.Key(t, "gamma")
	ada.Delete(t, "/api-keys/"+second+"/revoke").Want(t, 200)
	for query, want := range map[string][]string{
		"":                                  {third, first, second}, // those that hold come first
		"sort=name":                         {second, first, third},
		"sort=-inserted_at":                 {third, second, first},
		"filter[name]=alpha":                {first},
		"filter[name.icontains]=_":          {second},
		"filter[prefix]=" + prefix:          {first},
		"filter[revoked]=true":              {second},
		"filter[revoked]=false&sort=name":   {first, third},
		"filter[expires_at.lte]=2020-01-01": {},
		"page[size]=1&page[number]=2":       {first},
	} {
		list := ada.Get(t, "/api-keys?"+query).Want(t, 200)
		var got []string
		for i := range list.Len("/data") {
			got = append(got, list.String("/data/"+string(rune('0'+i))+"/id"))
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	}
	list := ada.Get(t, "/api-keys?include=entity.roles").Want(t, 200)
	people, roles := map[string]float64{}, 0
	for i := range list.Len("/included") {
		at := "/included/" + string(rune('0'+i))
		if list.String(at+"/type") == "roles" {
			roles++
		} else {
			people[list.String(at+"/id")], _ = list.At(at + "/relationships/roles/meta/count").(float64)
		}
	}
	if len(people) != 2 || people[ada.User] != 1 || people[keeper.User] != 0 || roles != 1 {
		t.Errorf("included are %v and %d roles: %s", people, roles, list.Raw)
	}
	if one := ada.Get(t, "/api-keys/"+first+"?include=entity&fields[api-keys]=name").Want(t, 200); one.Len("/included") != -1 {
		t.Errorf("what the fields leave out is included: %s", one.Raw)
	}
}

// Two keys of one name at the same moment: one of them is made.
func TestOneNameIsGivenOnce(t *testing.T) {
	t.Parallel()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	id, _ := ada.Key(t, "to end")
	var made, ended atomic.Int32
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if ada.Post(t, "/api-keys", "api-keys", map[string]any{"name": "only"}, nil).Status == 201 {
				made.Add(1)
			}
		})
		group.Go(func() {
			if ada.Delete(t, "/api-keys/"+id+"/revoke").Status == 200 {
				ended.Add(1)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 || ended.Load() != 1 {
		t.Errorf("%d keys were made, one was ended %d times", made.Load(), ended.Load())
	}
}
