package main

import (
	"slices"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/privacy"
)

// TestUserShow_TellsUntilWhenAStateHolds, where she said so.
func TestUserShow_TellsUntilWhenAStateHolds(t *testing.T) {
	at := time.Date(2026, 11, 22, 14, 10, 0, 0, time.UTC)
	for want, until := range map[string]time.Time{
		"state set\tBusy (6500) at 2026-11-22 14:10 UTC, until 2026-11-22 16:10 UTC": at.Add(2 * time.Hour),
		"state set\tBusy (6500) at 2026-11-22 14:10 UTC":                             {},
	} {
		rows := settings(&engine.Inspection{Manual: &presence.Manual{Availability: presence.Busy, SetAt: at, ExpiresAt: until}})
		if !slices.Contains(rows, want) {
			t.Errorf("%q is not among %q", want, rows)
		}
	}
}

// TestUserShow_TellsWhatSheChanged of the matrix, beside her rules.
func TestUserShow_TellsWhatSheChanged(t *testing.T) {
	rows := settings(&engine.Inspection{Rules: privacy.Bootstrap(), Cells: []privacy.OwnCell{{Container: 200, Category: "location"}, {Container: 100, Category: "photo", Shown: true}}})
	for _, want := range []string{"rule\tsameEnterprise -> 200", "cell\thides location from 200", "cell\tshows photo to 100"} {
		if !slices.Contains(rows, want) {
			t.Errorf("%q is not among %q", want, rows)
		}
	}
}
