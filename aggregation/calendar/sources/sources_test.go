package sources

import (
	"net/url"
	pathpkg "path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestExpand(t *testing.T) {
	tests := []struct{ address, user, want string }{ // want empty: refused
		{"/srv/cal/{user}.ics", "juliet@example.org", "/srv/cal/juliet.ics"},
		{"/srv/cal/{jid}/cal.ics", "juliet@example.org", "/srv/cal/juliet@example.org/cal.ics"},
		{"/srv/cal/{user}.ics", "juliet.capulet@example.org", "/srv/cal/juliet.capulet.ics"},
		{"/srv/cal/{user}.ics", `juliet\2fx@example.org`, `/srv/cal/juliet\2fx.ics`},
		{"/srv/cal/{user}.ics", "..@example.org", "/srv/cal/...ics"}, // a name like any other
		{"/srv/cal/{user}/cal.ics", "..@example.org", ""},
		{"/srv/cal/{user}/cal.ics", ".@example.org", ""},
		{"/srv/cal/{user}.ics", "../../etc/passwd@example.org", ""},
		{"/srv/cal/{user}.ics", "a/b@example.org", ""},
		{"/srv/cal/{user}.ics", "a\x00b@example.org", ""},
		{"/srv/cal/{user}.ics", "example.org", ""},
		{"/srv/cal/{jid}.ics", "", ""},
		{"/srv/cal/fixed.ics", "example.org", "/srv/cal/fixed.ics"},
		{"file:///srv/cal/{user}.ics", "juliet@example.org", "file:///srv/cal/juliet.ics"},
		{"file:///srv/cal/{user}/x.ics", "..@example.org", ""},
		{"file:///srv/cal/{user}.ics", "a/b@example.org", ""},
		{"https://cal.example/{user}/x.ics", "juliet@example.org", "https://cal.example/juliet/x.ics"},
		{"https://cal.example/{jid}/", "juliet@example.org", "https://cal.example/juliet@example.org/"},
		{"https://cal.example/{user}/", "a b?c#d%2f@example.org", "https://cal.example/a%20b%3Fc%23d%252f/"},
		{"https://cal.example/{user}/x.ics", "..@example.org", ""},
		{"https://cal.example/{user}/x.ics", "a/b@example.org", "https://cal.example/a%2Fb/x.ics"},
		{"https://cal.example/{user}/x.ics", "../b@example.org", ""},
		{"https://cal.example/{user}/x.ics", `..\b@example.org`, ""},
		{"https://cal.example/x.ics?u={user}&k={jid}", "a&b=c@example.org", "https://cal.example/x.ics?u=a%26b%3Dc&k=a%26b%3Dc%40example.org"},
		{"https://cal.example/x?u={user}", "..@example.org", "https://cal.example/x?u=.."},
		{"https://{user}.example/x.ics", "juliet@example.org", ""},
		{"https://{user}@cal.example/x.ics", "juliet@example.org", ""},
		{"https://cal.example", "juliet@example.org", "https://cal.example"},
		{"webcal://cal.example/{user}", "{jid}@example.org", "webcal://cal.example/%7Bjid%7D"},
	}
	for _, tt := range tests {
		got, err := Expand(tt.address, tt.user)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s for %q: got %q, %v; want %q", tt.address, tt.user, got, err, tt.want)
		}
		if err != nil && KindOf(err) != Refused {
			t.Errorf("%s for %q: %v is not Refused", tt.address, tt.user, err)
		}
	}
	if err := CheckTemplate("https://{jid}/"); err == nil {
		t.Error("a template for the host passes")
	}
}

// FuzzExpand: whatever a user is called, she gets a place beside the others'.
func FuzzExpand(f *testing.F) {
	for _, user := range []string{"juliet@example.org", "..@x", "../..@x", "%2e%2e@x", `..\..@x`, "a/b@x", ".@", "{jid}@x", "?#@x"} {
		f.Add(user)
	}
	f.Fuzz(func(t *testing.T, user string) {
		for _, template := range []string{"/srv/cal/{user}/x.ics", "/srv/cal/{jid}/x.ics"} {
			path, err := Expand(template, user)
			if err == nil && filepath.Dir(filepath.Dir(path)) != "/srv/cal" {
				t.Errorf("%q leads to %q", user, path)
			}
			for _, scheme := range []string{"file://", "https://cal.example"} {
				address, err := Expand(scheme+template+"?u={user}", user)
				if err != nil {
					continue
				}
				u, err := url.Parse(address)
				if err != nil || u.Host != strings.TrimPrefix(strings.TrimPrefix(scheme, "https://"), "file://") || u.Fragment != "" {
					t.Fatalf("%q gives %q: %v", user, address, err)
				}
				clean := pathpkg.Clean(u.EscapedPath())
				if !strings.HasPrefix(clean, "/srv/cal/") || strings.Count(clean, "/") != 4 || scheme == "file://" && strings.Count(u.Path, "/") != 4 {
					t.Errorf("%q leads to %q", user, address)
				}
			}
		}
	})
}

func TestFingerprint_ChangesWithWhatCounts(t *testing.T) {
	base := Mailbox{User: "a@b", Address: "/x", Username: "u", Attendee: "m", Zone: time.UTC}
	seen := map[string]bool{base.Fingerprint(): true}
	for _, change := range []func(*Mailbox){
		func(m *Mailbox) { m.User = "b@b" }, func(m *Mailbox) { m.Address = "/y" }, func(m *Mailbox) { m.Username = "v" },
		func(m *Mailbox) { m.Attendee = "n" }, func(m *Mailbox) { m.Zone = time.FixedZone("X", 60) },
	} {
		m := base
		change(&m)
		if f := m.Fingerprint(); seen[f] {
			t.Errorf("%+v has the fingerprint of another", m)
		} else {
			seen[f] = true
		}
	}
	same := base
	same.Zone, same.Password, same.State = nil, "p", []byte("s")
	if !seen[same.Fingerprint()] {
		t.Error("a password or a state changed the fingerprint")
	}
}

func TestWindow_HoldsHalfOfItself(t *testing.T) {
	w := Window{From: time.Unix(0, 0), To: time.Unix(100, 0)}
	for reach, want := range map[int64]bool{0: false, 49: false, 50: true, 100: true} {
		if got := w.Holds(time.Unix(reach, 0)); got != want {
			t.Errorf("up to %d: got %v, want %v", reach, got, want)
		}
	}
}

func TestReader_FaultsHaveAKindAndTellNothing(t *testing.T) {
	var r Reader
	w := Window{From: time.Unix(0, 0), To: time.Unix(1000, 0)}
	m := &Mailbox{User: "a@b"}
	for text, want := range map[string]FaultKind{
		"s3cret": Malformed,
		"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:s3cret\n":       Malformed,
		strings.Repeat("BEGIN:VCALENDAR\nEND:VCALENDAR\n", 2e6): TooLarge,
	} {
		_, err := r.Read("x", []byte(text), w, m)
		if KindOf(err) != want || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got %v of kind %d, want kind %d", err, KindOf(err), want)
		}
	}
	for range 2 {
		if z, err := r.locate("Europe/Berlin"); err != nil || z.String() != "Europe/Berlin" {
			t.Errorf("got %v, %v", z, err)
		}
		if _, err := r.locate("../../etc/passwd"); err == nil || len(r.zones) != 1 {
			t.Errorf("a made-up zone gave %v and is among %d kept", err, len(r.zones))
		}
	}
}
