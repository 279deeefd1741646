package identity_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/jsonapi"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

// hall is an organisation in which Ann, its owner, and Ben manage the account, each by a role of their own that can be changed,
// and Cat does not. Nobody holds the role admin.
type hall struct {
	server        *apitest.Server
	pool          *pgxpool.Pool // superuser: arranges and inspects
	ann, ben, cat *apitest.Client
	anns, bens    string // the roles
}

func newHall(t *testing.T, server *apitest.Server, number int) *hall {
	t.Helper()
	h := &hall{server: server, pool: server.DB.Pool(t, pgtest.Superuser)}
	h.ann = server.SignUp(t, fmt.Sprintf("Ann%d", number))
	manager := map[string]any{"manage_account": true, "manage_users": true}
	h.anns, h.bens = h.ann.Role(t, "of ann", manager), h.ann.Role(t, "of ben", manager)
	h.ben = h.ann.Member(t, fmt.Sprintf("Ben%d", number), h.bens)
	h.cat = h.ann.Member(t, fmt.Sprintf("Cat%d", number), h.ann.Role(t, "reader", map[string]any{"unlimited_visibility": true}))
	setRoles(t, h.ann, h.ann, h.anns).Want(t, 204)
	return h
}

// setRoles lets a person hold exactly some roles.
func setRoles(t *testing.T, by, of *apitest.Client, roles ...string) *apitest.Answer {
	t.Helper()
	return by.Do(t, http.MethodPatch, "/users/"+of.User+"/relationships/roles", jsonapi.MediaType, apitest.Linkage("roles", roles...))
}

func takeRoles(t *testing.T, by, of *apitest.Client) *apitest.Answer {
	t.Helper()
	return by.Delete(t, "/users/"+of.User+"/relationships/roles")
}

func editRole(t *testing.T, by *apitest.Client, role string) *apitest.Answer {
	t.Helper()
	return by.Patch(t, "/roles/"+role, "roles", role, map[string]any{"manage_account": false}, nil)
}

func emptyRole(t *testing.T, by *apitest.Client, role string) *apitest.Answer {
	t.Helper()
	return by.Patch(t, "/roles/"+role, "roles", role, nil, map[string]any{"users": apitest.Many("users")})
}

func (h *hall) membership(t *testing.T, of *apitest.Client) string {
	t.Helper()
	var id string
	if err := h.pool.QueryRow(t.Context(), `select id::text from memberships where tenant_id = $1 and user_id = $2`, h.ann.Tenant, of.User).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return "/tenants/" + h.ann.Tenant + "/memberships/" + id
}

// managers are how many people manage the account.
func (h *hall) managers(t *testing.T) int {
	t.Helper()
	return h.count(t, `select count(distinct ru.user_id) from role_users ru join roles ro on ro.tenant_id = ru.tenant_id and ro.id = ru.role_id
		where ru.tenant_id = $1 and ro.manage_account`, h.ann.Tenant)
}

func (h *hall) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var count int
	if err := h.pool.QueryRow(t.Context(), sql, args...).Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}

// race sends two requests that meet inside the server: both have been let in before either does anything, and the first one
// goes first.
func (h *hall) race(t *testing.T, first, second func() *apitest.Answer) (one, two *apitest.Answer) {
	t.Helper()
	tx, err := h.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), `select from tenants where id = $1 for no key update`, h.ann.Tenant); err != nil {
		t.Fatal(err)
	}
	answers := [2]chan *apitest.Answer{make(chan *apitest.Answer, 1), make(chan *apitest.Answer, 1)}
	for i, request := range []func() *apitest.Answer{first, second} {
		go func() { answers[i] <- request() }()
		for h.count(t, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) < i+1 {
			select {
			case early := <-answers[i]:
				t.Fatalf("request %d did not wait for the other: %d %s", i+1, early.Status, early.Raw)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	return <-answers[0], <-answers[1]
}

// TestCannotLockOutTheLastAccountManager tries each way to take the management of the account away: from the only person who
// has it, and in two requests of which each leaves the other's person, in both orders. Somebody always keeps it.
func TestCannotLockOutTheLastAccountManager(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name string
		// alone is tried when Ben does not manage the account any more, with the status that it is answered.
		alone  func(t *testing.T, h *hall) *apitest.Answer
		status int
		// against is what Ann does to Ben, and Ben to Ann.
		ann, ben func(t *testing.T, h *hall) *apitest.Answer
	}{
		{"role edit",
			func(t *testing.T, h *hall) *apitest.Answer { return editRole(t, h.ann, h.anns) }, 200, // that part is dropped
			func(t *testing.T, h *hall) *apitest.Answer { return editRole(t, h.ann, h.bens) },
			func(t *testing.T, h *hall) *apitest.Answer { return editRole(t, h.ben, h.anns) }},
		{"role delete",
			func(t *testing.T, h *hall) *apitest.Answer { return h.ann.Delete(t, "/roles/"+h.anns) }, 400,
			func(t *testing.T, h *hall) *apitest.Answer { return h.ann.Delete(t, "/roles/"+h.bens) },
			func(t *testing.T, h *hall) *apitest.Answer { return h.ben.Delete(t, "/roles/"+h.anns) }},
		{"users of a role",
			func(t *testing.T, h *hall) *apitest.Answer { return emptyRole(t, h.ann, h.anns) }, 400,
			func(t *testing.T, h *hall) *apitest.Answer { return emptyRole(t, h.ann, h.bens) },
			func(t *testing.T, h *hall) *apitest.Answer { return emptyRole(t, h.ben, h.anns) }},
		{"roles of a user, replaced",
			func(t *testing.T, h *hall) *apitest.Answer { return setRoles(t, h.ann, h.ann) }, 400,
			func(t *testing.T, h *hall) *apitest.Answer { return setRoles(t, h.ann, h.ben) },
			func(t *testing.T, h *hall) *apitest.Answer { return setRoles(t, h.ben, h.ann) }},
		{"roles of a user, taken",
			func(t *testing.T, h *hall) *apitest.Answer { return takeRoles(t, h.ann, h.ann) }, 400,
			func(t *testing.T, h *hall) *apitest.Answer { return takeRoles(t, h.ann, h.ben) },
			func(t *testing.T, h *hall) *apitest.Answer { return takeRoles(t, h.ben, h.ann) }},
		{"membership ended by the owner",
			func(t *testing.T, h *hall) *apitest.Answer { return h.ann.Delete(t, h.membership(t, h.ann)) }, 403, // the last owner
			func(t *testing.T, h *hall) *apitest.Answer { return h.ann.Delete(t, h.membership(t, h.ben)) },
			func(t *testing.T, h *hall) *apitest.Answer { return takeRoles(t, h.ben, h.ann) }},
		{"membership ended by the member",
			func(t *testing.T, h *hall) *apitest.Answer { return emptyRole(t, h.ann, h.anns) }, 400,
			func(t *testing.T, h *hall) *apitest.Answer { return setRoles(t, h.ann, h.ann) },
			func(t *testing.T, h *hall) *apitest.Answer { return h.ben.Delete(t, h.membership(t, h.ben)) }},
		{"account closed",
			func(t *testing.T, h *hall) *apitest.Answer { return h.ann.Delete(t, "/users/"+h.ann.User) }, 400,
			func(t *testing.T, h *hall) *apitest.Answer { return h.ann.Delete(t, "/users/"+h.ann.User) },
			func(t *testing.T, h *hall) *apitest.Answer { return h.ben.Delete(t, "/users/"+h.ben.User) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			server := apitest.Start(t)
			h := newHall(t, server, 0)
			takeRoles(t, h.ann, h.ben).Want(t, 204)
			way.alone(t, h).Want(t, way.status)
			if h.managers(t) != 1 {
				t.Errorf("%d people manage the account", h.managers(t))
			}
			h.ann.Get(t, "/roles").Want(t, 200)
			for number, order := range []string{"ann first", "ben first"} {
				t.Run(order, func(t *testing.T) {
					h := newHall(t, server, number+1)
					first := func() *apitest.Answer { return way.ann(t, h) }
					second := func() *apitest.Answer { return way.ben(t, h) }
					if order == "ben first" {
						first, second = second, first
					}
					one, two := h.race(t, first, second)
					if one.Status >= 300 {
						t.Errorf("the first is answered %d %s", one.Status, one.Raw)
					}
					if two.Status < 400 || two.Status >= 500 {
						t.Errorf("the second is answered %d %s", two.Status, two.Raw)
					}
					if h.managers(t) != 1 {
						t.Errorf("%d people manage the account", h.managers(t))
					}
				})
			}
		})
	}
}

// TestOnlyAManagerAmongMembersStays: an owner who does not manage the account cannot be left without anybody who does.
func TestOnlyAManagerAmongMembersStays(t *testing.T) {
	t.Parallel()
	h := newHall(t, apitest.Start(t), 0)
	setRoles(t, h.ann, h.ann).Want(t, 204)
	bens := h.membership(t, h.ben)
	h.ann.Delete(t, bens).Want(t, 400)
	h.ben.Delete(t, bens).Want(t, 400)
	h.ben.Delete(t, "/users/"+h.ben.User).Want(t, 400)
	if h.managers(t) != 1 {
		t.Errorf("%d people manage the account", h.managers(t))
	}
}
