package main

import (
	"slices"
	"testing"

	"presenced/internal/engine"
	"presenced/privacy"
)

// TestUserShow_TellsWhatSheChanged of the matrix, beside her rules.
func TestUserShow_TellsWhatSheChanged(t *testing.T) {
	rows := settings(&engine.Inspection{Rules: privacy.Bootstrap(), Cells: []privacy.OwnCell{{Container: 200, Category: "location"}, {Container: 100, Category: "photo", Shown: true}}})
	for _, want := range []string{"rule\tsameEnterprise -> 200", "cell\thides location from 200", "cell\tshows photo to 100"} {
		if !slices.Contains(rows, want) {
			t.Errorf("%q is not among %q", want, rows)
		}
	}
}
