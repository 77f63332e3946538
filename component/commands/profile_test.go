package commands

import (
	"strings"
	"testing"
	"testing/synctest"
	_ "time/tzdata"

	"presenced/aggregation"
	"presenced/internal/engine"
	"presenced/internal/presence"
)

// placed is a user in Berlin.
func placed() engine.Inspection {
	return engine.Inspection{
		Profile:  engine.Profile{Timezone: "Europe/Berlin", Hours: "Mo-Fr 09:00-17:00", Location: "Room 4"},
		Timezone: "Europe/Berlin",
	}
}

func TestProfile_SetsWhatWasSent(t *testing.T) {
	for _, c := range []shot{
		{"all", "profile", []string{"timezone", " Asia/Tokyo ", "language", "de", "hours", "Sa 10:00-12:00", "location", "Home"},
			"SetProfile{Profile:{Timezone:Asia/Tokyo Language:de Hours:Sa 10:00-12:00 Location:Home}}", "info: Your profile is set."},
		{"one alone", "profile", []string{"location", "Home"},
			"SetProfile{Profile:{Timezone:Europe/Berlin Language: Hours:Mo-Fr 09:00-17:00 Location:Home}}", "info: Your profile is set."},
		{"taken back", "profile", []string{"timezone", "", "language", "default", "hours", "", "location", ""},
			"SetProfile{Profile:{Timezone: Language: Hours: Location:}}", "info: Your profile is empty now."},
		{"no language", "profile", []string{"language", "tlh"}, "", `error: "Language": This is not one of the choices. Please use one of: default, en, de.`},
		{"too long a place", "profile", []string{"location", strings.Repeat("x", 257)}, "", `error: "Where you are": This has 257 characters`},
		// Times are read and told in her zone: the bubble's clock says 00:00 in UTC.
		{"time of day", "set-state", []string{"state", "busy", "until", "15:00"},
			"SetState{Availability:6500 Activity: Expires:2000-01-01 14:00:00 +0000 UTC}", `info: You are now shown as "Busy" until 15:00.`},
		{"until tomorrow", "set-state", []string{"state", "busy", "for", "until-tomorrow"},
			"SetState{Availability:6500 Activity: Expires:2000-01-01 23:00:00 +0000 UTC}", `info: You are now shown as "Busy" until 2 January, 00:00.`},
		{"dates", "out-of-office", []string{"on", "1", "start", "2000-02-01", "end", "2000-02-03"},
			"SetOutOfOffice{{Start:2000-01-31 23:00:00 +0000 UTC End:2000-02-03 23:00:00 +0000 UTC Note:}}", `info: Your out-of-office period is set from 1 February, 00:00 until 4 February, 00:00.`},
		{"a zone of its own", "set-state", []string{"state", "away", "until", "2000-01-01T15:00:00Z"},
			"SetState{Availability:15500 Activity: Expires:2000-01-01 15:00:00 +0000 UTC}", `info: You are now shown as "Away" until 16:00.`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := has(placed())
				g := ask(t, newServer(d), "en", payload(c.node, "", "execute", c.fields...))
				if got := describe(d.applied); got != c.changes {
					t.Errorf("applied %s\nwant    %s", got, c.changes)
				}
				if got := g.Note.Type + ": " + g.Note.Text; !strings.HasPrefix(got, c.note) {
					t.Errorf("note %s\nwant %s", got, c.note)
				}
			})
		})
	}
}

// TestHoursSaid: as people write them, in either language, and what is right
// already stays as it is.
func TestHoursSaid(t *testing.T) {
	for said, want := range map[string]string{
		"Mo-Fr 09:00-17:30": "Mo-Fr 09:00-17:30", "Mo-Th 08:00-12:00,13:00-17:00; Fr 08:00-14:00": "Mo-Th 08:00-12:00,13:00-17:00; Fr 08:00-14:00",
		"Mo-Fr 9-17": "Mo-Fr 9:00-17:00", "Mo – Fr 9 – 17": "Mo-Fr 9:00-17:00", "Mo-Do 9.30 bis 17 Uhr, Fr 9-14 Uhr": "Mo-Th 9:30-17:00; Fr 9:00-14:00",
		"Di, Mi 8-12, 13-17": "Tu,We 8:00-12:00,13:00-17:00", "Monday to Friday 9-17": "Mo-Fr 9:00-17:00", "So 10-12": "Su 10:00-12:00",
		"": "", "whenever": "whenever",
	} {
		got := hoursSaid(said)
		if got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
		if _, err := aggregation.ParseHours(got); err != nil && said != "whenever" {
			t.Errorf("%q: %v", got, err)
		}
	}
}

func TestProfile_FormShowsWhatThereIs(t *testing.T) {
	g := ask(t, newServer(has(placed())), "en", payload("profile", "", "execute"))
	for name, want := range map[string]string{"timezone": "Europe/Berlin", "language": "default", "hours": "Mo-Fr 09:00-17:00", "location": "Room 4"} {
		if f := g.Form.field(t, name); f.value() != want || f.Desc == "" || f.Label == "" {
			t.Errorf("%s: %+v, want the value %q", name, f, want)
		}
	}
	if got := strings.Join(g.Form.field(t, "language").choices(), " "); got != "default en de" {
		t.Errorf("languages %s", got)
	}
}

// TestProfile_EngineRefusesAndTheFormComesBack: each field the engine judges is
// named as people see it, with what to write.
func TestProfile_EngineRefusesAndTheFormComesBack(t *testing.T) {
	for field, want := range map[string]string{
		"timezone": `"Time zone": This is no time zone. Please write a name`,
		"hours":    `"Working hours": These are no working hours. Please write`,
		"location": `"Where you are": Please write one line`,
	} {
		d := has(placed())
		d.apply = func(engine.Principal, presence.JID, engine.Change) (engine.Result, error) {
			return engine.Result{}, &engine.RefusedError{Kind: engine.Invalid, Field: field, Reason: "no"}
		}
		g := ask(t, newServer(d), "en", payload("profile", "", "execute", field, "nonsense"))
		if g.Status != statusExecuting || !strings.HasPrefix(g.Note.Text, want) || g.Form.field(t, field).value() != "nonsense" {
			t.Errorf("%s: %s %s %q", field, g.Status, g.Note.Text, g.Form.field(t, field).value())
		}
	}
}

// TestProfile_LanguageGoesBeforeThatOfTheProgram: a program sends a language of its
// own accord, a person chooses one.
func TestProfile_LanguageGoesBeforeThatOfTheProgram(t *testing.T) {
	in := placed()
	in.Profile.Language = "de"
	g := ask(t, newServer(has(in)), "en", payload("clear-state", "", "execute"))
	if g.Lang != "de" || !strings.HasPrefix(g.Note.Text, "Ihre Geräte") {
		t.Errorf("answered in %q: %s", g.Lang, g.Note.Text)
	}
}
