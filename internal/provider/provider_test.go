package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/palisade-sec/palisade/internal/jsonapi"
)

func TestTypes(t *testing.T) {
	t.Parallel()
	want := []Type{AWS, Azure, GCP, Kubernetes, M365, GitHub, MongoDBAtlas, IaC, OracleCloud, AlibabaCloud, Cloudflare,
		OpenStack, Image, GoogleWorkspace, Vercel, Okta}
	if got := Types(); !slices.Equal(got, want) {
		t.Errorf("Types() = %q", got)
	}
	for _, one := range want {
		if !one.Valid() {
			t.Errorf("%s is not valid", one)
		}
	}
	for _, other := range []Type{"", "AWS", "digitalocean", "aws "} {
		if other.Valid() {
			t.Errorf("%q is valid", other)
		}
	}
}

// uids has identifiers that each type takes and refuses, as sent.
var uids = map[Type]struct{ accepted, refused []string }{
	AWS: {
		[]string{"123456789012", "000000000000", " 111111111111 "},
		[]string{"12345678901", "1234567890123", "12345678901a", "1234-5678-9012", "arn:aws:iam::123456789012:root", "١٢٣٤٥٦٧٨٩٠١٢", "１２３４５６７８９０１２", "123456 789012"},
	},
	Azure: {
		[]string{"00000000-1111-4222-8333-444444444444", "8851db6b-42e5-4533-aa9e-30a32d67e875"},
		[]string{"8851DB6B-42E5-4533-AA9E-30A32D67E875", "8851db6b42e54533aa9e30a32d67e875", "8851db6b-42e5-1533-aa9e-30a32d67e875",
			"8851db6b-42e5-4533-0a9e-30a32d67e875", "8851db6b-42e5-4533-ca9e-30a32d67e875", "{8851db6b-42e5-4533-aa9e-30a32d67e875}", "contoso.onmicrosoft.com"},
	},
	GCP: {
		[]string{"acme-project-1", "abcdef", "a" + strings.Repeat("1", 29), "example.com:legacy-app"},
		[]string{"abcde", "a" + strings.Repeat("1", 30), "1project", "Acme-project", "acme_project", "projects/acme", ":acme-project", "exam_ple:acme-project", "acme-projéct"},
	},
	Kubernetes: {
		[]string{"arn:aws:eks:us-east-1:123456789012:cluster/prod", "gke_acme-project_europe-west1-b_main", "kind@home", "Ab3", strings.Repeat("k", 251)},
		[]string{"-cluster", "my cluster", "cluster#1", "/cluster", "a", strings.Repeat("k", 252), "cluster\\x"},
	},
	M365: {
		[]string{"acme.onmicrosoft.com", "Example.CO", "a-b.c1.example.org", strings.Repeat("a", 63) + ".com"},
		[]string{"example", "-example.com", "example-.com", "exam_ple.com", "example.c", "example.c0m", "https://example.com", "example..com",
			".example.com", "example.com.", strings.Repeat("a", 64) + ".com", "exämple.com"},
	},
	GitHub: {
		[]string{"acme-org", "A1-", strings.Repeat("a", 39)},
		[]string{"-acme", "acme_org", "acme/repo", strings.Repeat("a", 40), "acme org", "acmé"},
	},
	MongoDBAtlas: {
		[]string{"64b1d3c0e4b03b1234567890", "ABCDEFABCDEFabcdef123456"},
		[]string{"64b1d3c0e4b03b123456789", "64b1d3c0e4b03b12345678901", "64b1d3c0e4b03b123456789g"},
	},
	IaC: {
		[]string{"https://github.com/acme/infra.git", "http://git.example.com/x", "git@github.com:acme/infra.git", "ssh://git@example.com/acme.git"},
		[]string{"github.com/acme/infra", "git@github.com:acme/infra", "ftp://example.com/x.git", "https://", "https:///x", "https://git hub.com/x",
			"https://example.com/\u00a0x", "https://example.com/\u200bx", "https://example.com/x\ny", "file:///etc/x.git", " -o https://example.com"},
	},
	OracleCloud: {
		[]string{"ocid1.tenancy.oc1..aaaaaaaa3aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ocid1.tenancy.oc1.eu-frankfurt-1.abc123"},
		[]string{"ocid1.tenancy.oc1.abc123", "ocid2.tenancy.oc1..abc123", "ocid1.tenancy.oc1..", "ocid1.Tenancy.oc1..abc123", "ocid1.tenancy.oc1..abc-123", "ocid1xtenancy.oc1..abc123"},
	},
	AlibabaCloud: {
		[]string{"1234567890123456", "0000000000000000"},
		[]string{"123456789012345", "12345678901234567", "123456789012345x", "１２３４５６７８９０１２３４５６"},
	},
	Cloudflare: {
		[]string{strings.Repeat("a", 32), "0123456789abcdef0123456789abcdef"},
		[]string{strings.Repeat("a", 31), strings.Repeat("a", 33), strings.Repeat("A", 32), strings.Repeat("g", 32)},
	},
	OpenStack: {
		[]string{"project-1", "a1b2c3d4e5f60718293a4b5c6d7e8f90", "My.Project_2", strings.Repeat("x", 255)},
		[]string{"-project", "my project", "project/1", "_project", strings.Repeat("x", 256)},
	},
	Image: {
		[]string{"alpine:3.18", "docker.io/library/nginx@sha256:0123abcd", "registry.example.com:5000/team/app:1.0", "abc"},
		[]string{"/alpine", "al pine", "alpine#1", "-alpine", "ab", strings.Repeat("x", 251)},
	},
	GoogleWorkspace: {
		[]string{"C01234abc", "C12345678", "Cab"},
		[]string{"c01234abc", "01234abc", "C-1234", "C 1234", "C"},
	},
	Vercel: {
		[]string{"team_" + strings.Repeat("a", 16), "team_" + strings.Repeat("A1", 16), "team_abcdefghijklmnopqrstuvwx"},
		[]string{"team_" + strings.Repeat("a", 15), "team_" + strings.Repeat("a", 33), "abcdefghijklmnopqrstuvwx", "team_abcdefghijklmno_", "Team_aaaaaaaaaaaaaaaa"},
	},
	Okta: {
		[]string{"acme.okta.com", "Acme-2.OktaPreview.com", " trim.okta-emea.com ", "a.okta-gov.com", "a.okta.mil", "a.okta-miltest.com", "a.trex-govcloud.com"},
		[]string{"acme.example.com", "https://acme.okta.com", "acme.okta.com/login", "okta.com", "-acme.okta.com", "a.b.okta.com", "acme.okta.org", "acmexokta.com"},
	},
}

func TestCheckUID(t *testing.T) {
	t.Parallel()
	for _, kind := range Types() {
		cases, ok := uids[kind]
		if !ok {
			t.Errorf("no cases for %s", kind)
		}
		for _, raw := range cases.accepted {
			if err := CheckUID(kind, NormalizeUID(kind, raw)); err != nil {
				t.Errorf("%s refuses %q: %v", kind, raw, err)
			}
		}
		for _, raw := range append(cases.refused, "", "\x00", "x\ny", "\n"+cases.accepted[0]+"\nx") {
			err := CheckUID(kind, NormalizeUID(kind, raw))
			refusal, ok := err.(jsonapi.Error)
			if !ok {
				t.Errorf("%s takes %q: %v", kind, raw, err)
				continue
			}
			want := jsonapi.Error{Status: 400, Code: string(kind) + "-uid", Detail: kind.identity().error, Pointer: "/data/attributes/uid"}
			if refusal != want {
				t.Errorf("%s refuses %q with %+v", kind, raw, refusal)
			}
		}
		for _, raw := range cases.accepted {
			if CheckUID(kind, strings.TrimSpace(raw)+"\n") == nil {
				t.Errorf("%s takes %q with a new line", kind, raw)
			}
		}
	}
	if err := CheckUID("nope", "x"); err == nil || err.Error() != `"nope" is not a valid choice.` {
		t.Errorf("unknown type: %v", err)
	}
}

func TestNormalizeUID(t *testing.T) {
	t.Parallel()
	for _, one := range []struct {
		kind      Type
		raw, want string
	}{
		{AWS, " 111111111111\t\n", "111111111111"},
		{M365, " Example.CO ", "Example.CO"},
		{Okta, " Acme-2.OktaPreview.com ", "acme-2.oktapreview.com"},
		{GitHub, "\u00a0Acme\u2003", "Acme"},
	} {
		if got := NormalizeUID(one.kind, one.raw); got != one.want {
			t.Errorf("NormalizeUID(%s, %q) = %q", one.kind, one.raw, got)
		}
	}
}

func FuzzCheckUID(f *testing.F) {
	for kind, cases := range uids {
		for _, raw := range append(cases.accepted, cases.refused...) {
			f.Add(string(kind), raw)
		}
	}
	f.Fuzz(func(t *testing.T, kind, raw string) {
		uid := NormalizeUID(Type(kind), raw)
		if again := NormalizeUID(Type(kind), uid); again != uid {
			t.Errorf("normalising %q twice gives %q", raw, again)
		}
		if CheckUID(Type(kind), uid) != nil {
			return
		}
		if !Type(kind).Valid() || strings.ContainsAny(uid, " \t\r\n\x00\"'`\\<>|;") && Type(kind) != IaC || strings.ContainsAny(uid, " \t\r\n\x00") {
			t.Errorf("%s takes %q", kind, uid)
		}
	})
}
