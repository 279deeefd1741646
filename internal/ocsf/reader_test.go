package ocsf_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/palisade-sec/palisade/internal/catalogue"
	"github.com/palisade-sec/palisade/internal/ocsf"
)

// house returns the sample's objects, each on one line.
func house(t testing.TB) []string {
	t.Helper()
	content, err := os.ReadFile("testdata/house.ocsf.json")
	if err != nil {
		t.Fatal(err)
	}
	var objects []json.RawMessage
	if err := json.Unmarshal(content, &objects); err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(objects))
	for i, object := range objects {
		var line bytes.Buffer
		if err := json.Compact(&line, object); err != nil {
			t.Fatal(err)
		}
		lines[i] = line.String()
	}
	return lines
}

func pretty(t testing.TB, object string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(object), "", "  "); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zipped(t testing.TB, content string) string {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	if _, err := io.WriteString(writer, content); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// outcome is what reading a whole file gave: uids of findings, codes of item errors, in order; and how it ended.
type outcome struct {
	items []string
	end   error
}

func readAll(r io.Reader, limits ocsf.Limits) outcome {
	var out outcome
	reader := ocsf.NewReader(r, limits, nil)
	for {
		finding, err := reader.Next()
		if item, ok := errors.AsType[*ocsf.ItemError](err); ok {
			out.items = append(out.items, fmt.Sprintf("%d:%s", item.Index, item.Code))
			continue
		}
		if err != nil {
			out.end = err
			return out
		}
		out.items = append(out.items, finding.UID[strings.LastIndex(finding.UID, "lamp-"):])
	}
}

func TestReaderTakesEveryLayout(t *testing.T) {
	t.Parallel()
	o := house(t)
	array := "[" + strings.Join(o, ",\n") + "]\n"
	for name, content := range map[string]string{
		"array":                    array,
		"array without newlines":   "[" + strings.Join(o, ",") + "]",
		"array, pretty":            " \n[\n" + pretty(t, o[0]) + " ,\n" + pretty(t, o[1]) + ",\n" + o[2] + "\n,\n" + o[3] + "\n]  \n",
		"byte order mark":          "\xef\xbb\xbf" + array,
		"lines":                    strings.Join(o, "\n") + "\n",
		"lines, no last newline":   strings.Join(o, "\n"),
		"lines, carriage returns":  strings.Join(o, "\r\n") + "\r\n",
		"lines with blank ones":    "\n\n" + strings.Join(o, "\n\n  \n") + "\n\n",
		"objects over many lines":  pretty(t, o[0]) + "\n" + pretty(t, o[1]) + o[2] + "\n" + o[3],
		"objects on one line":      strings.Join(o, " "),
		"gzip of array":            zipped(t, array),
		"gzip of lines":            zipped(t, strings.Join(o, "\n")),
		"gzip in two members":      zipped(t, array[:500]) + zipped(t, array[500:]),
		"gzip and byte order mark": zipped(t, "\xef\xbb\xbf"+array),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for how, reader := range map[string]io.Reader{"whole": strings.NewReader(content), "byte by byte": iotest.OneByteReader(strings.NewReader(content)), "data with its error": iotest.DataErrReader(strings.NewReader(content))} {
				got := readAll(reader, ocsf.Limits{})
				if want := "[lamp-0 lamp-1 lamp-2 lamp-3]"; fmt.Sprint(got.items) != want || got.end != io.EOF {
					t.Errorf("%s: %v, then %v", how, got.items, got.end)
				}
			}
		})
	}
}

func TestReaderNamesTheDamageOfAFile(t *testing.T) {
	t.Parallel()
	o := house(t)
	array := "[" + strings.Join(o, ",") + "]"
	zip := zipped(t, strings.Repeat(array[:len(array)-1]+"\n", 3))
	flipped := []byte(zipped(t, array))
	flipped[len(flipped)-6] ^= 0xff // inside the checksum
	for _, test := range []struct{ name, content, code, items string }{
		{"empty", "", ocsf.FileEmpty, "[]"},
		{"blank", " \n\t ", ocsf.FileEmpty, "[]"},
		{"mark alone", "\xef\xbb\xbf", ocsf.FileEmpty, "[]"},
		{"text", "hello", ocsf.FileNotJSON, "[]"},
		{"zip archive", "PK\x03\x04aaaa", ocsf.FileNotJSON, "[]"},
		{"csv", "a;b;c\n1;2;3", ocsf.FileNotJSON, "[]"},
		{"utf-16", "\xff\xfe[\x00{\x00", ocsf.FileEncoding, "[]"},
		{"utf-16 without mark", "[\x00{\x00", ocsf.FileEncoding, "[]"},
		{"open array", "[", ocsf.FileTruncated, "[]"},
		{"cut off in an object", array[:len(array)-30], ocsf.FileTruncated, "[lamp-0 lamp-1 lamp-2]"},
		{"cut off behind a comma", "[" + o[0] + ",", ocsf.FileTruncated, "[lamp-0]"},
		{"cut off behind an object", "[" + o[0], ocsf.FileTruncated, "[lamp-0]"},
		{"cut off line", o[0] + "\n" + o[1][:100], ocsf.FileTruncated, "[lamp-0]"},
		{"cut off first line", o[0][:100], ocsf.FileTruncated, "[]"},
		{"cut off gzip", zip[:len(zip)/2], ocsf.FileTruncated, ""},
		{"gzip header alone", zip[:5], ocsf.FileTruncated, "[]"},
		{"damaged gzip", string(flipped), ocsf.FileGzip, ""},
		{"gzip of nothing", zipped(t, ""), ocsf.FileEmpty, "[]"},
		{"second array", "[" + o[0] + "][" + o[1] + "]", ocsf.FileAppendedRun, "[lamp-0]"},
		{"second array on its line", "[" + o[0] + "]\n[" + o[1] + "]", ocsf.FileAppendedRun, "[lamp-0]"},
		{"appended objects", "[" + o[0] + "]" + o[1] + "," + o[2] + "]", ocsf.FileAppendedRun, "[lamp-0]"},
		{"appended with comma", "[" + o[0] + "]," + o[1] + "]", ocsf.FileAppendedRun, "[lamp-0]"},
		{"trailing text", "[" + o[0] + "] done", ocsf.FileTrailing, "[lamp-0]"},
		{"trailing zeros", "[" + o[0] + "]\x00\x00", ocsf.FileTrailing, "[lamp-0]"},
		{"no comma", "[" + o[0] + o[1] + "]", ocsf.FileSyntax, "[lamp-0]"},
		{"two commas", "[" + o[0] + ",," + o[1] + "]", ocsf.FileSyntax, "[lamp-0]"},
		{"comma before the end", "[" + o[0] + ",]", ocsf.FileSyntax, "[lamp-0]"},
		{"objects with commas", o[0] + "," + o[1], ocsf.FileTrailing, "[lamp-0]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for how, reader := range map[string]io.Reader{"whole": strings.NewReader(test.content), "byte by byte": iotest.OneByteReader(strings.NewReader(test.content))} {
				got := readAll(reader, ocsf.Limits{})
				file, ok := errors.AsType[*ocsf.FileError](got.end)
				if !ok || file.Code != test.code {
					t.Fatalf("%s: ended with %v, want %s", how, got.end, test.code)
				}
				if test.items != "" && fmt.Sprint(got.items) != test.items {
					t.Errorf("%s: %v, want %s", how, got.items, test.items)
				}
				if file.Detail == "" || file.Offset < 0 || file.Offset > int64(2*len(test.content))+20000 {
					t.Errorf("%s: %+v", how, file)
				}
			}
		})
	}
}

func TestReaderGoesOnBehindABadItem(t *testing.T) {
	t.Parallel()
	o := house(t)
	const limit = 8 << 10
	for _, test := range []struct{ name, item, code string }{
		{"malformed", `{"a": nope}`, ocsf.CodeMalformed},
		{"brackets that do not match", `{"a": [1}`, ocsf.CodeMalformed},
		{"bad utf-8", "{\"message\": \"\xff\"}", ocsf.CodeMalformed},
		{"bare control character", "{\"message\": \"\x00\"}", ocsf.CodeMalformed},
		{"half a surrogate pair", `{"message": "\ud800"}`, ocsf.CodeMalformed},
		{"number", `17`, ocsf.CodeNotObject},
		{"text", `"a, ] b"`, ocsf.CodeNotObject},
		{"list", `[{"a": [1, "]"]}, 2]`, ocsf.CodeNotObject},
		{"null", `null`, ocsf.CodeNotObject},
		{"empty object", `{}`, ocsf.CodeMissingUID},
		{"too large", `{"message": "` + strings.Repeat("x", limit) + `"}`, ocsf.CodeTooLarge},
		{"too large, nested", `{"a": {"b\"}": "\\` + strings.Repeat(`{\"}`, 50000) + `\\", "c": {}}}`, ocsf.CodeTooLarge},
		{"too large, many backslashes", `{"a": "` + strings.Repeat(`\\`, 200000) + `\"}"}`, ocsf.CodeTooLarge},
		{"deep", strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000), ocsf.CodeMissingUID},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for layout, content := range map[string]string{
				"array": "[" + o[0] + "," + test.item + "," + o[1] + "]",
				"lines": o[0] + "\n" + test.item + "\n" + o[1] + "\n",
			} {
				for how, reader := range map[string]io.Reader{"whole": strings.NewReader(content), "halves": iotest.HalfReader(strings.NewReader(content)), "byte by byte": iotest.OneByteReader(strings.NewReader(content))} {
					got := readAll(reader, ocsf.Limits{MaxFindingBytes: limit})
					if want := fmt.Sprintf("[lamp-0 1:%s lamp-1]", test.code); fmt.Sprint(got.items) != want || got.end != io.EOF {
						t.Errorf("%s, %s: %v, then %v; want %s", layout, how, got.items, got.end, want)
					}
				}
			}
		})
	}
}

func TestReaderGoesOnBehindABrokenLine(t *testing.T) {
	t.Parallel()
	o := house(t)
	content := o[0] + "\n" + o[1][:len(o[1])/2] + "\n" + o[2] + "\n"
	got := readAll(strings.NewReader(content), ocsf.Limits{})
	if want := "[lamp-0 1:malformed lamp-2]"; fmt.Sprint(got.items) != want || got.end != io.EOF {
		t.Errorf("%v, then %v", got.items, got.end)
	}
}

func TestReaderWithoutFindings(t *testing.T) {
	t.Parallel()
	if got := readAll(strings.NewReader(" [ ] "), ocsf.Limits{}); len(got.items) != 0 || got.end != io.EOF {
		t.Errorf("%v, then %v", got.items, got.end)
	}
}

func TestReaderReturnsTheErrorOfItsInput(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	o := house(t)
	for name, content := range map[string]string{"array": "[" + o[0] + ",", "gzip": zipped(t, o[0])[:50], "nothing": "", "line": o[0][:90]} {
		reader := io.MultiReader(strings.NewReader(content), iotest.ErrReader(broken))
		if got := readAll(reader, ocsf.Limits{}); !errors.Is(got.end, broken) {
			t.Errorf("%s: ended with %v", name, got.end)
		}
	}
}

func TestReaderStopsAtTheFileLimit(t *testing.T) {
	t.Parallel()
	bomb := zipped(t, "["+strings.Repeat(" ", 50<<20))
	reader := ocsf.NewReader(strings.NewReader(bomb), ocsf.Limits{MaxFileBytes: 1 << 20}, nil)
	_, err := reader.Next()
	file, ok := errors.AsType[*ocsf.FileError](err)
	if !ok || file.Code != ocsf.FileTooLarge {
		t.Fatalf("got %v", err)
	}
	if reader.Offset() > 2<<20 {
		t.Errorf("read %d bytes", reader.Offset())
	}
	if _, again := reader.Next(); again != err {
		t.Errorf("a second call gave %v", again)
	}
}

// endless is an object that never ends; it counts what was read of it.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	const enough = 64 << 20
	if e.read >= enough {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = 'x'
	}
	if e.read == 0 {
		copy(p, `[{"message": "`)
	}
	e.read += int64(len(p))
	return len(p), nil
}

func TestReaderKeepsNothingOfAnEndlessItem(t *testing.T) {
	// Not parallel: it measures allocations.
	var source endless
	before := heapBytes()
	got := readAll(&source, ocsf.Limits{})
	grown := heapBytes() - before
	file, ok := errors.AsType[*ocsf.FileError](got.end)
	if !ok || file.Code != ocsf.FileTruncated {
		t.Fatalf("ended with %v", got.end)
	}
	if grown > 16<<20 {
		t.Errorf("allocated %d bytes for an item of %d", grown, source.read)
	}
}

func TestCheckMetadataFromTheCatalogue(t *testing.T) {
	t.Parallel()
	var checks catalogue.Checks
	checks.Add(catalogue.Check{
		Provider: "aws", ID: "lamp_is_off", Aliases: []string{"lamp_dark"}, SubService: "bulb", ResourceGroup: "lighting", Severity: "low",
		Title: "Another title", Remediation: catalogue.Remediation{Code: catalogue.RemediationCode{CLI: "lamp off"}}, DependsOn: []string{"kept"},
		Categories: []string{"from", "the", "catalogue"},
	})
	o := house(t)
	without := strings.Replace(o[0], `"depends_on":[],`, "", 1)
	reader := ocsf.NewReader(strings.NewReader("["+o[0]+","+o[1]+","+o[3]+","+without+"]"), ocsf.Limits{}, &checks)
	first, second, cluster, last := next(t, reader), next(t, reader), next(t, reader), next(t, reader)
	const want = `{"additionalurls":["https://example.org/night"],"categories":["light"],"checkaliases":["lamp_dark"],"checkid":"lamp_is_off",` +
		`"checktitle":"The lamp is off at night","checktype":["House/Light"],"compliance":{"House-1.0":["1"]},"dependson":[],` +
		`"description":"A lamp that burns at night is seen from outside.","notes":"","provider":"aws","relatedto":[],"relatedurl":"",` +
		`"remediation":{"code":{"cli":"lamp off","nativeiac":"","other":"","terraform":""},"recommendation":{"text":"Switch it off.","url":"https://example.org/lamp"}},` +
		`"resourcegroup":"lighting","resourceidtemplate":"","resourcetype":"Lamp","risk":"Someone looks in.","servicename":"lamp","severity":"medium","subservicename":"bulb"}`
	if got := string(first.Check.JSON); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if first.Check != second.Check {
		t.Error("two findings of one check do not share their metadata")
	}
	if cluster.Check.ResourceGroup != "" || cluster.Check.Hash == first.Check.Hash {
		t.Error("a check of another provider type was completed from the catalogue")
	}
	if !strings.Contains(string(last.Check.JSON), `"dependson":["kept"]`) {
		t.Error("a member that the finding lacks was not taken from the catalogue")
	}
	if check, _ := checks.Lookup("aws", "lamp_is_off"); check.Categories[0] != "from" {
		t.Error("decoding wrote into the catalogue")
	}
}

func next(t *testing.T, reader *ocsf.Reader) ocsf.Finding {
	t.Helper()
	finding, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	return finding
}

func FuzzReader(f *testing.F) {
	o := house(f)
	array := "[" + strings.Join(o, ",") + "]"
	for _, seed := range []string{array, strings.Join(o, "\n"), zipped(f, array), "[" + o[0] + "][" + o[1] + "]", "[1,\"\\\"\",[2],{\"a\":{}}]", pretty(f, o[0]), "\xef\xbb\xbf[]", "{}{}", "{}\n{"} {
		f.Add([]byte(seed))
	}
	limits := ocsf.Limits{MaxFindingBytes: 4 << 10, MaxFileBytes: 1 << 20}
	f.Fuzz(func(t *testing.T, content []byte) {
		whole := ocsf.NewReader(bytes.NewReader(content), limits, nil)
		split := ocsf.NewReader(iotest.HalfReader(bytes.NewReader(content)), limits, nil)
		for range 2 << 20 {
			one, err := whole.Next()
			other, otherErr := split.Next()
			if fmt.Sprint(err) != fmt.Sprint(otherErr) || one.UID != other.UID {
				t.Fatalf("how the input is cut changed the outcome: %v, %v", err, otherErr)
			}
			if _, item := errors.AsType[*ocsf.ItemError](err); err != nil && !item {
				return
			}
			if err == nil && (one.UID == "" || one.Check == nil || !json.Valid(one.Check.JSON) || strings.Contains(one.UID+one.StatusDetail, "\x00")) {
				t.Fatalf("finding %+v", one)
			}
			if err == nil && one.Resource.Metadata != nil && !json.Valid([]byte(ocsf.MetadataText(one.Resource.Metadata))) {
				t.Fatalf("metadata %s", one.Resource.Metadata)
			}
		}
		t.Fatal("the reader did not come to an end")
	})
}
