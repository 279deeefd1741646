package ocsf_test

import (
	"io"
	"os"
	"testing"

	"github.com/palisade-sec/palisade/internal/ocsf"
)

// BenchmarkReader reads the file that PALISADE_BENCH_FINDINGS names, or the sample repeated.
func BenchmarkReader(b *testing.B) {
	open := func() io.Reader { return &repeated{objects: house(b), left: 20000} }
	if path := os.Getenv("PALISADE_BENCH_FINDINGS"); path != "" {
		open = func() io.Reader {
			file, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { file.Close() })
			return file
		}
	}
	b.ReportAllocs()
	var findings, bytes int64
	for b.Loop() {
		reader := ocsf.NewReader(open(), ocsf.Limits{}, nil)
		for {
			_, err := reader.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			findings++
		}
		bytes += reader.Offset()
	}
	b.ReportMetric(float64(findings)/b.Elapsed().Seconds(), "findings/s")
	b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB/s")
}

// repeated gives the sample's objects, one a line, until left is used up.
type repeated struct {
	objects []string
	left    int
	rest    string
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.left--
		r.rest = r.objects[r.left%len(r.objects)] + "\n"
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
