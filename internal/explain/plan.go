package explain

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// Plan is what a statement did, as EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) tells it.
type Plan struct {
	Reads        map[string]Read // by table; partitions are their parent
	Blocks       int64           // blocks of 8 kB that were looked at, whether they were in memory or not
	Milliseconds float64         // of the execution
	Cost         float64         // as estimated
}

// Read is how much of a table was read, over all nodes and loops.
type Read struct {
	Rows       int64 // that were looked at, those that a filter removed included
	Sequential int64 // of these, by sequential scans
}

type node struct {
	Type         string  `json:"Node Type"`
	Table        string  `json:"Relation Name"`
	Rows         float64 `json:"Actual Rows"`
	Loops        float64 `json:"Actual Loops"`
	Filtered     float64 `json:"Rows Removed by Filter"`
	Rechecked    float64 `json:"Rows Removed by Index Recheck"`
	BlocksHit    int64   `json:"Shared Hit Blocks"`
	BlocksRead   int64   `json:"Shared Read Blocks"`
	Cost         float64 `json:"Total Cost"`
	Subordinates []node  `json:"Plans"`
}

// ParsePlan reads the one plan that EXPLAIN returns.
func ParsePlan(raw []byte) (Plan, error) {
	var explained []struct {
		Plan         node
		Milliseconds float64 `json:"Execution Time"`
	}
	if err := json.Unmarshal(raw, &explained); err != nil {
		return Plan{}, fmt.Errorf("read plan: %w", err)
	}
	if len(explained) != 1 {
		return Plan{}, errors.New("read plan: not one")
	}
	top := explained[0].Plan
	plan := Plan{Reads: map[string]Read{}, Blocks: top.BlocksHit + top.BlocksRead, Milliseconds: explained[0].Milliseconds, Cost: top.Cost}
	plan.add(top)
	return plan, nil
}

// partition is the month in the name of a partition.
var partition = regexp.MustCompile(`_\d{4}_\d{2}$`)

func (p *Plan) add(n node) {
	if n.Table != "" && n.Loops > 0 {
		table := partition.ReplaceAllString(n.Table, "")
		read, rows := p.Reads[table], int64((n.Rows+n.Filtered+n.Rechecked)*n.Loops)
		read.Rows += rows
		if n.Type == "Seq Scan" {
			read.Sequential += rows
		}
		p.Reads[table] = read
	}
	for _, one := range n.Subordinates {
		p.add(one)
	}
}

// Limits are what a plan may do without being an exception.
type Limits struct {
	Rows       int64 // read of one table
	Sequential int64 // of these, by sequential scans: tables that are as good as empty are read so
	Blocks     int64 // looked at, which also counts what functions read
}

// The limits of a page.
var (
	Standard = Limits{Rows: 5_000, Sequential: 200, Blocks: 50_000}
	// Small are for tables of a few thousand rows, where a sequential scan still shows.
	Small = Limits{Rows: 1 << 40, Sequential: 200, Blocks: 1 << 40}
)

// reference are tables that do not grow with what people do: what engines can check, of which an organisation has the part that its
// findings name.
var reference = []string{"catalogue_checks", "catalogue_frameworks", "catalogue_framework_revisions", "check_metadata", "check_metadata_categories"}

// Grows reports whether a table of the program has more rows the longer it is used.
func Grows(table string) bool { return !slices.Contains(reference, table) }

// Fault is something that a plan does too much of.
type Fault struct {
	Name   string // "seq:TABLE", "rows:TABLE" or "blocks", as exceptions name it
	Amount int64  // rows or blocks
}

// Faults are what a plan does beyond the limits.
func (p Plan) Faults(limits Limits) []Fault {
	var faults []Fault
	for _, table := range slices.Sorted(maps.Keys(p.Reads)) {
		read := p.Reads[table]
		if !Grows(table) {
			continue
		}
		if read.Sequential > limits.Sequential {
			faults = append(faults, Fault{"seq:" + table, read.Sequential})
		}
		if read.Rows > limits.Rows {
			faults = append(faults, Fault{"rows:" + table, read.Rows})
		}
	}
	if p.Blocks > limits.Blocks {
		faults = append(faults, Fault{"blocks", p.Blocks})
	}
	return faults
}
