package calendar

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"presenced/internal/presence"
)

// interval is one in the words of `presenced calendar busy`.
type interval struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Kind  string    `json:"kind"`
}

// vector is a worked case: testdata/expected.json has one for each .ics file.
type vector struct {
	File         string       `json:"file"`
	Zone         string       `json:"tz"`
	Me           string       `json:"me"`
	From         time.Time    `json:"ws"`
	To           time.Time    `json:"we"`
	Expected     []interval   `json:"expected"`
	Alternatives [][]interval `json:"alternatives"`
	Error        bool         `json:"expect_error"`
	Note         string       `json:"note"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func ics(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// words returns intervals in the words of the vectors.
func words(in []Interval) []interval {
	out := []interval{}
	for _, i := range in {
		kind := i.Kind.String()
		if i.Kind == presence.EventElsewhere {
			kind = "elsewhere"
		}
		out = append(out, interval{i.Start, i.End, kind})
	}
	return out
}

func TestRead_Vectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.ics"))
	if err != nil {
		t.Fatal(err)
	}
	all := vectors(t)
	if len(all) != len(files) {
		t.Errorf("%d cases for %d files", len(all), len(files))
	}
	for _, v := range all {
		t.Run(v.File, func(t *testing.T) {
			s, err := Read(ics(t, v.File), Options{
				From: v.From, To: v.To, Zone: location(t, v.Zone), Locate: time.LoadLocation, Attendee: v.Me,
			})
			if v.Error {
				if err == nil {
					t.Fatalf("no error (%s)", v.Note)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := words(s.Intervals(v.From, v.To))
			diff := cmp.Diff(v.Expected, got)
			for _, other := range v.Alternatives {
				if cmp.Equal(other, got) {
					diff = ""
				}
			}
			if diff != "" {
				t.Errorf("%s\n(-want +got)\n%s\nwarnings: %q", v.Note, diff, s.Warnings)
			}
		})
	}
}
