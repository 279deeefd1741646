package filter

import (
	"net/url"
	"testing"
)

func TestReadParams(t *testing.T) {
	t.Parallel()
	p := ReadParams("b=2&a=1+1&&b=%C3%A9&bad=%zz%&x&=y&u=%ff%fe&plus=%2B")
	want := map[string]string{"b": "é", "a": "1 1", "bad": "%zz%", "x": "", "": "y", "u": "\uFFFD", "plus": "+"}
	for key, value := range want {
		if got, ok := p.Last(key); !ok || got != value {
			t.Errorf("%q = %q, want %q", key, got, value)
		}
	}
	if _, ok := p.Last("absent"); ok {
		t.Error("an absent parameter is there")
	}
	if _, ok := (Params{}).Last("a"); ok {
		t.Error("the zero value holds a parameter")
	}
}

func TestParamsEncode(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, plain, paged string }{
		{"", "", "page%5Bnumber%5D=3"},
		{"sort=uid&filter[provider]=aws&filter[provider]=gcp&fields[providers]=uid",
			"fields%5Bproviders%5D=uid&filter%5Bprovider%5D=aws&filter%5Bprovider%5D=gcp&sort=uid",
			"fields%5Bproviders%5D=uid&filter%5Bprovider%5D=aws&filter%5Bprovider%5D=gcp&page%5Bnumber%5D=3&sort=uid"},
		{"page[size]=&page[number]=1&filter[search]=aws+prod", "filter%5Bsearch%5D=aws+prod&page%5Bnumber%5D=1&page%5Bsize%5D=",
			"filter%5Bsearch%5D=aws+prod&page%5Bnumber%5D=3&page%5Bsize%5D="},
	}
	for _, test := range tests {
		p := ReadParams(test.raw)
		if got := p.EncodeWith("page[number]", "3"); got != test.paged {
			t.Errorf("%q with a page: %q, want %q", test.raw, got, test.paged)
		}
		if got := p.Encode(); got != test.plain {
			t.Errorf("%q: %q, want %q", test.raw, got, test.plain)
		}
	}
}

func TestParamsOf(t *testing.T) {
	t.Parallel()
	p := ParamsOf(url.Values{"sort": {"b"}, "filter[a]": {"1", "2"}})
	if got := p.Encode(); got != "filter%5Ba%5D=1&filter%5Ba%5D=2&sort=b" {
		t.Errorf("got %q", got)
	}
}

func TestLegalNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sort", "include", "filter", "fields", "page", "filter[a]", "filter[a.b-c_d1]", "page[x]", "fields[provider-groups]", "filter[é]"} {
		if !legal(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{"", "foo", "format", "sort[a]", "filter[]", "filter[a", "filter[a]x", "filter[a][b]", "filter[a b]", "FILTER[a]", "filters[a]", "cursor", "filter[a]]"} {
		if legal(name) {
			t.Errorf("%q passes", name)
		}
	}
}
