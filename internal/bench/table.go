package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// table prints figures in Markdown that can be read as it is. Lines appear as they are measured.
type table struct {
	out    io.Writer
	widths []int
}

// wide is the head of a first column that holds names.
const wide = "                                 "

// begin prints the head of a table.
func begin(out io.Writer, columns ...any) table {
	t := table{out: out}
	var rule strings.Builder
	for i, column := range columns {
		t.widths = append(t.widths, max(utf8.RuneCountInString(fmt.Sprint(column)), 9))
		rule.WriteString("|" + strings.Repeat("-", t.widths[i]+1) + map[bool]string{true: "-", false: ":"}[i == 0])
	}
	_, _ = fmt.Fprintln(out)
	t.line(columns...)
	_, _ = fmt.Fprintln(out, rule.String()+"|")
	return t
}

func (t table) line(columns ...any) {
	for i, column := range columns {
		width := t.widths[i]
		if i == 0 {
			width = -width
		}
		_, _ = fmt.Fprintf(t.out, "| %*v ", width, column)
	}
	_, _ = fmt.Fprintln(t.out, "|")
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
func perSecond(rate float64) string { return fmt.Sprintf("%.0f", rate) }
func percent(share float64) string  { return fmt.Sprintf("%.0f %%", share*100) }
func times(ratio float64) string    { return fmt.Sprintf("%.2f", ratio) }
func megabytes(bytes int64) string  { return fmt.Sprintf("%.0f MB", float64(bytes)/1e6) }
