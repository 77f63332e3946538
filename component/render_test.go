package component

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"presenced/internal/presence"
)

func TestRender(t *testing.T) {
	d := newDesk(t)
	caps := string(d.c.texts.mirror.caps)
	at := time.Date(2026, 11, 22, 14, 0, 0, 5, time.UTC)
	withText := func(v presence.View, f presence.Field, s string) presence.View { v.Text[f] = s; return v }
	tests := []struct {
		name string
		view presence.View
		want string
	}{
		{"offline", presence.OfflineView(0), " type='unavailable'/>"},
		{"blocked", presence.OfflineView(presence.Blocked), " type='unavailable'/>"},
		{"offline with a name", withText(presence.OfflineView(200), presence.FieldName, "Alice"), " type='unavailable'/>"},
		{"unset", presence.View{}, " type='unavailable'/>"},
		{"available", presence.View{Availability: presence.Available}, ">" + caps + "<enhanced xmlns='urn:presenced:1' availability='3500'/></presence>"},
		{"external busy", presence.View{Availability: presence.Busy}, "><show>dnd</show>" + caps + "<enhanced xmlns='urn:presenced:1' availability='6500'/></presence>"},
		{"in a meeting, note", withText(presence.View{Availability: presence.Busy, Activity: presence.InAMeeting, Until: at}, presence.FieldNotePersonal, "a<b"),
			"><show>dnd</show><status>a&lt;b</status>" + caps + "<enhanced xmlns='urn:presenced:1' availability='6500' activity='in-a-meeting' until='2026-11-22T14:00:00Z'/></presence>"},
		{"last activity", presence.View{Availability: presence.AvailableIdle, LastActive: at},
			"><show>away</show><idle xmlns='urn:xmpp:idle:1' since='2026-11-22T14:00:00Z'/>" + caps + "<enhanced xmlns='urn:presenced:1' availability='5000'/></presence>"},
		{"a picture", withText(presence.View{Availability: presence.Available}, presence.FieldPhoto, "0a1b"),
			">" + caps + "<x xmlns='vcard-temp:x:update'><photo>0a1b</photo></x><enhanced xmlns='urn:presenced:1' availability='3500'/></presence>"},
		{"offline with a picture", withText(presence.OfflineView(200), presence.FieldPhoto, "0a1b"), " type='unavailable'/>"},
		{"out of office", withText(presence.View{Availability: presence.Offline, Activity: presence.OutOfOfficeA}, presence.FieldNoteOOF, "Gone fishing"),
			" type='unavailable'><status>Gone fishing</status><enhanced xmlns='urn:presenced:1' availability='18500' activity='out-of-office'/></presence>"},
	}
	for _, tt := range tests {
		got := string(d.c.Render(nil, &tt.view, "en"))
		if got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
		wellFormed(t, "<presence"+got)
	}
	buf := make([]byte, 0, 4096)
	for _, tt := range tests {
		v := tt.view
		v.Until = time.Time{} // a text with an end must be composed
		if n := testing.AllocsPerRun(100, func() { buf = d.c.Render(buf[:0], &v, "en") }); n != 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}

func TestMetrics_Lint(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	o := Options{Domain: testDomain, Address: "x", Hosts: []string{testHost}, Secret: func() string { return "" }, Registerer: reg}
	if _, err := New(o); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	if _, err := New(o); err == nil {
		t.Error("registering twice went unnoticed")
	}
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	good := Options{Domain: testDomain, Address: "x", Hosts: []string{testHost}, Secret: func() string { return "" }}
	for name, change := range map[string]func(*Options){
		"no domain":     func(o *Options) { o.Domain = "" },
		"a user":        func(o *Options) { o.Domain = "a@b" },
		"no hosts":      func(o *Options) { o.Hosts = nil },
		"bad host":      func(o *Options) { o.Hosts = []string{"a@b"} },
		"own host":      func(o *Options) { o.Hosts = []string{testDomain} },
		"host twice":    func(o *Options) { o.Hosts = []string{testHost, strings.ToUpper(testHost)} },
		"no secret":     func(o *Options) { o.Secret = nil },
		"nowhere to":    func(o *Options) { o.Address = "" },
		"with resource": func(o *Options) { o.Domain = testDomain + "/x" },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}
