package admin

import (
	"slices"
	"testing"

	"presenced/internal/engine"
)

func TestRawReports(t *testing.T) {
	want := []engine.RawReport{{Host: "example.org", Users: 3, Reached: 2, Contacts: 7, Closed: 1, Wanted: true, Writes: true, Spares: true}}
	client, _, _ := serve(t, &door{raw: want})
	got, err := client.RawReports(t.Context())
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}
