package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	figuresBegin = "<!-- figures: from docs/figures.json, by go test ./internal/house -update -->\n"
	figuresEnd   = "<!-- end of figures -->\n"
)

// TestFigures_ReadmeQuotesWhatWasMeasured holds the figures in README.md to
// docs/figures.json, which make bench writes. Nothing measured, nothing quoted.
func TestFigures_ReadmeQuotesWhatWasMeasured(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "docs", "figures.json"))
	table := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		t.Fatal(err)
	default:
		if table, err = figures(raw); err != nil {
			t.Fatalf("docs/figures.json: %v", err)
		}
	}
	hold(t, filepath.Join(root, "README.md"), func(old string) string {
		before, rest, found := strings.Cut(old, figuresBegin)
		_, after, ended := strings.Cut(rest, figuresEnd)
		if !found || !ended {
			t.Fatalf("README.md has no place for the figures:\n%s%s", figuresBegin, figuresEnd)
		}
		return before + figuresBegin + table + figuresEnd + after
	})
}

// figures renders the report of make bench as a table.
func figures(raw []byte) (string, error) {
	var report struct {
		Machine struct {
			Cores    int
			Go       string
			OS, Arch string
		}
		Date  string
		Quick bool
		Rows  []struct {
			Row     json.RawMessage // a number, or a name
			Name    string
			Value   float64
			Unit    string
			Compare string
			Must    float64
			Reached bool
		}
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		return "", err
	}
	if report.Quick {
		return "", errors.New("a shortened run is not to be quoted: run make bench")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s with `make bench` on %d cores (%s, %s/%s); how, and what each\nmeans: [docs/performance.md](docs/performance.md).\n\n",
		report.Date, report.Machine.Cores, report.Machine.Go, report.Machine.OS, report.Machine.Arch)
	b.WriteString("| | what | median | limit |\n|---|---|---|---|\n")
	for _, r := range report.Rows {
		limit := fmt.Sprintf("%s %s", r.Compare, number(r.Must))
		if !r.Reached {
			limit += " (missed)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s %s | %s |\n", strings.Trim(string(r.Row), `"`), r.Name, number(r.Value), r.Unit, limit)
	}
	return b.String(), nil
}

func number(v float64) string {
	if v >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func TestFigures_AShortenedRunIsNotQuoted(t *testing.T) {
	if _, err := figures([]byte(`{"quick": true}`)); err == nil {
		t.Error("figures of a shortened run were taken")
	}
}

func TestFigures_AMissedLimitIsSaid(t *testing.T) {
	for row, want := range map[string]string{"8": "8", `"http"`: "http"} {
		got, err := figures([]byte(`{"rows": [{"row": ` + row + `, "name": "p99", "value": 1.234, "unit": "ms", "compare": "at most", "must": 1}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if want := "| " + want + " | p99 | 1.23 ms | at most 1 (missed) |\n"; !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want it to end in %q", got, want)
		}
	}
}
