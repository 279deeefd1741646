package accounting

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/app"
	"github.com/palisade-sec/palisade/internal/authz"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/pgtest"
	"github.com/palisade-sec/palisade/internal/rest"
	"github.com/palisade-sec/palisade/policy"
)

// permissions are what a role can grant.
var permissions = []string{"manage_users", "manage_account", "manage_billing", "manage_providers", "manage_integrations", "manage_scans"}

// holder is somebody in the matrix of who may do what.
type holder struct {
	name   string
	client *apitest.Client
	member bool            // holds a role
	grants map[string]bool // what the roles grant
}

// TestEveryCellOfThePermissionMatrix asks for every operation, those that are not built included, as everybody that
// permissions tell apart, and holds the server's verdict against the permission that the policy's data names for it. The
// ids in the paths are nobody's, so that being let in changes nothing.
func TestEveryCellOfThePermissionMatrix(t *testing.T) {
	t.Parallel()
	snapshot, err := authz.Load(t.Context(), authz.Folders{Base: policy.FS})
	if err != nil {
		t.Fatal(err)
	}
	infos := snapshot.Operations()
	server := apitest.Start(t)
	holders := matrixHolders(t, server)
	cells := map[bool]int{}
	for _, operation := range everyOperation(t) {
		info, ok := infos[operation.ID]
		if !ok {
			t.Errorf("the policy does not know %s", operation.ID)
			continue
		}
		for _, one := range holders {
			want := one.allowed(info.Permission)
			answer := one.ask(t, operation)
			if got := letIn(answer); got != want {
				t.Errorf("%s (%s) as %s: let in %t, want %t: %d %s", operation.ID, info.Permission, one.name, got, want, answer.Status, answer.Raw)
			}
			cells[want]++
		}
	}
	t.Logf("%d cells allowed, %d refused", cells[true], cells[false])
	if cells[true] < 500 || cells[false] < 500 {
		t.Errorf("cells %v: the matrix is not whole", cells)
	}
}

// matrixHolders are members of one tenant whose roles grant nothing, one permission each, sight of everything, or everything;
// a member without a role; and nobody.
func matrixHolders(t *testing.T, server *apitest.Server) []holder {
	t.Helper()
	pool := server.DB.Pool(t, pgtest.Superuser)
	ada := server.SignUp(t, "Ada")
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string]bool{}
	for _, permission := range permissions {
		all[permission] = true
	}
	holders := []holder{{name: "anonymous", client: server.Anonymous()}, {name: "admin", client: ada, member: true, grants: all}}
	add := func(name string, member bool, grants ...string) {
		attributes := map[string]any{"unlimited_visibility": name == "unlimited visibility"}
		one := holder{name: name, member: member, grants: map[string]bool{}}
		for _, permission := range grants {
			one.grants[permission] = true
			if permission != "manage_billing" {
				attributes[permission] = true
			}
		}
		var roles []string
		if member {
			roles = []string{ada.Role(t, name, attributes)}
			// The API does not give this one, and gives unlimited visibility along with the management of providers.
			exec(`update roles set manage_billing = $2, unlimited_visibility = $3 where id = $1`, roles[0], one.grants["manage_billing"], attributes["unlimited_visibility"])
		}
		one.client = ada.Member(t, strings.ReplaceAll(name, " ", "-"), roles...)
		holders = append(holders, one)
	}
	add("without a role", false)
	// All permissions in another organisation are none here.
	elsewhere := server.SignUp(t, "Elsewhere")
	exec(`insert into memberships (tenant_id, id, user_id) values ($1, gen_random_uuid(), $2)`, ada.Tenant, elsewhere.User)
	here := server.LogIn(t, elsewhere.Email, ada.Tenant)
	here.User = elsewhere.User
	holders = append(holders, holder{name: "admin elsewhere", client: here})
	add("none", true)
	add("unlimited visibility", true)
	for _, permission := range permissions {
		add(permission, true, permission)
	}
	return holders
}

// allowed is what a permission of the policy's data means, told once more.
func (h holder) allowed(permission string) bool {
	authenticated := h.name != "anonymous"
	switch permission {
	case "anonymous":
		return true
	case "authenticated":
		return authenticated
	case "member":
		return authenticated && h.member
	}
	return authenticated && h.grants[permission]
}

// ask sends a request to the operation that gets as far as the handler when policy allows it, and no further. A tenant in the
// path is the holder's own: elsewhere other roles decide.
func (h holder) ask(t *testing.T, operation *rest.Operation) *apitest.Answer {
	t.Helper()
	path := pathParameter.ReplaceAllStringFunc(operation.Path, func(parameter string) string {
		if operation.TenantID != "" && parameter == "{"+operation.TenantID+"}" && operation.Method != http.MethodDelete && h.client.Tenant != "" {
			return h.client.Tenant
		}
		return uuid.NewString()
	})
	return h.client.Do(t, operation.Method, path, "", nil)
}

var (
	forbidden = jsonapi.Forbidden()
	noRole    = jsonapi.NoRole()
)

// letIn reports whether an answer is a handler's. Handlers refuse with 403 too, in words of their own.
func letIn(answer *apitest.Answer) bool {
	if answer.Status == http.StatusUnauthorized {
		return false
	}
	detail := answer.String("/errors/0/detail")
	return answer.Status != http.StatusForbidden || detail != forbidden.Detail && detail != noRole.Detail
}

// everyOperation is every operation, built or not.
func everyOperation(t *testing.T) []*rest.Operation {
	t.Helper()
	server, err := app.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	operations := server.Operations()
	if len(operations) < 150 {
		t.Fatalf("only %d operations", len(operations))
	}
	return operations
}

// TestNobodyWithoutARoleGetsAFailure asks for every operation as a member without any role, once bare and once with what
// usually comes along: a refusal is a 4xx in the format of the wire, and data of the tenant is refused as such.
func TestNobodyWithoutARoleGetsAFailure(t *testing.T) {
	t.Parallel()
	snapshot, err := authz.Load(t.Context(), authz.Folders{Base: policy.FS})
	if err != nil {
		t.Fatal(err)
	}
	infos := snapshot.Operations()
	server := apitest.Start(t)
	ada := server.SignUp(t, "Ada")
	eve := ada.Member(t, "Eve")
	for _, operation := range everyOperation(t) {
		for _, query := range []string{"", "?include=roles&filter[search]=x&page[number]=1&fields[users]=name&sort=name"} {
			path := pathParameter.ReplaceAllString(operation.Path, uuid.NewString())
			for _, body := range []string{"", `{"data":{}}`, `{"data":[]}`} {
				answer := eve.Do(t, operation.Method, path+query, jsonapi.MediaType, []byte(body))
				permission := infos[operation.ID].Permission
				if answer.Status >= 500 && answer.Status != http.StatusNotImplemented {
					t.Errorf("%s%s: %d %s", operation.ID, query, answer.Status, answer.Raw)
				}
				if needsRole.MatchString(permission) && answer.Status != http.StatusForbidden {
					t.Errorf("%s (%s)%s: %d %s", operation.ID, permission, query, answer.Status, answer.Raw)
				}
				if permission == "member" && answer.String("/errors/0/detail") != noRole.Detail {
					t.Errorf("%s: refused with %s", operation.ID, answer.Raw)
				}
			}
		}
	}
}

var needsRole = regexp.MustCompile(fmt.Sprintf(`^(member|%s)$`, strings.Join(permissions, "|")))
