package engines_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/apitest"
	"github.com/palisade-sec/palisade/internal/enginetest"
	"github.com/palisade-sec/palisade/internal/pgtest"
)

func TestMain(m *testing.M) {
	enginetest.Main()
	m.Run()
}

func TestEverybodySeesWhatTheEngineCanDo(t *testing.T) {
	t.Parallel()
	python := enginetest.Interpreter(t)
	server := apitest.StartIdle(t, python)
	ada, bob := server.SignUp(t, "Ada"), server.SignUp(t, "Bob")
	got := ada.Get(t, "/engines").Want(t, 200)
	for pointer, want := range map[string]any{
		"/data/0/type": "engines", "/data/0/id": "prowler", "/data/0/attributes/installed": true, "/data/0/attributes/version": enginetest.Version,
		"/data/0/attributes/interpreter": "python", "/data/0/attributes/problem": nil,
		"/data/0/attributes/providers/0/provider": "aws", "/data/0/attributes/providers/0/usable": true, "/data/0/attributes/providers/0/lacks": nil,
		"/data/0/attributes/providers/1/usable": false, "/data/0/attributes/providers/1/lacks": "the program trivy",
	} {
		if got.At(pointer) != want {
			t.Errorf("%s is %v, want %v", pointer, got.At(pointer), want)
		}
	}
	if strings.Contains(string(got.Raw), filepath.Dir(python)) || got.Len("/data") != 1 || got.Len("/data/0/attributes/providers") != 2 {
		t.Errorf("got %s", got.Raw)
	}
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `update roles set unlimited_visibility = false, manage_providers = false,
		manage_scans = false, manage_account = false where tenant_id = $1`, bob.Tenant); err != nil {
		t.Fatal(err)
	}
	if limited := bob.Get(t, "/engines").Want(t, 200); !bytes.Equal(limited.Raw, got.Raw) {
		t.Errorf("somebody of another tenant who sees no provider: %s", limited.Raw)
	}
	if sparse := ada.Get(t, "/engines?fields[engines]=version").Want(t, 200); sparse.At("/data/0/attributes/installed") != nil || sparse.String("/data/0/attributes/version") == "" {
		t.Errorf("sparse: %s", sparse.Raw)
	}
	ada.Get(t, "/engines?filter[version]=1").Want(t, 400)
	ada.Get(t, "/engines?sort=version").Want(t, 400)
	ada.Get(t, "/engines?include=scans").Want(t, 400)
	ada.Get(t, "/engines/prowler").Want(t, 404)
	ada.Post(t, "/engines", "engines", nil, nil).Want(t, 405)
	server.Anonymous().Get(t, "/engines").Want(t, 401)
	if _, err := server.DB.Pool(t, pgtest.Superuser).Exec(t.Context(), `delete from role_users where tenant_id = $1`, bob.Tenant); err != nil {
		t.Fatal(err)
	}
	bob.Get(t, "/engines").Want(t, 403)
}

func TestWithoutAnEngine(t *testing.T) {
	t.Parallel()
	server := apitest.StartIdle(t, "/nowhere/python-of-the-operator")
	got := server.SignUp(t, "Ada").Get(t, "/engines").Want(t, 200)
	if got.At("/data/0/attributes/installed") != false || got.At("/data/0/attributes/version") != nil || got.Len("/data/0/attributes/providers") != 0 ||
		!strings.Contains(got.String("/data/0/attributes/problem"), "pip install prowler") || strings.Contains(string(got.Raw), "nowhere") {
		t.Errorf("got %s", got.Raw)
	}
}
