package caldav

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

func answered(body string) *outbound.Response {
	return &outbound.Response{Status: http.StatusMultiStatus, URL: &url.URL{Scheme: "https", Host: "cal.example"}, Body: []byte(body)}
}

func TestMultistatus_WhatIsNotRead(t *testing.T) {
	within := func(s string) string { return `<multistatus xmlns="DAV:">` + s + `</multistatus>` }
	tests := []struct {
		name, body string
		want       sources.FaultKind
	}{
		{"nothing", "", sources.Malformed},
		{"no XML", "s3cret", sources.Malformed},
		{"another document", `<error xmlns="DAV:">s3cret</error>`, sources.Malformed},
		{"two documents", within("") + within(""), sources.Malformed},
		{"cut", within("<response>")[:40], sources.Malformed},
		{"another namespace", "<multistatus/>", sources.Malformed},
		{"another encoding", `<?xml version="1.0" encoding="utf-16"?>` + within(""), sources.Malformed},
		{"entities", `<!DOCTYPE m [<!ENTITY a "s3cret"><!ENTITY b "&a;&a;&a;&a;">]>` + within("<href>&b;</href>"), sources.Malformed},
		{"a file as an entity", `<!DOCTYPE m SYSTEM "file:///etc/passwd">` + within(""), sources.Malformed},
		{"an entity nobody defined", within("<href>&s3cret;</href>"), sources.Malformed},
		{"too deep", within(strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000)), sources.TooLarge},
		{"too many", within(strings.Repeat("<a/>", maxNodes)), sources.TooLarge},
	}
	for _, tt := range tests {
		_, err := multistatus(answered(tt.body))
		wantFault(t, tt.name, err, tt.want)
	}
}

func TestMultistatus_ReadsWhatServersSend(t *testing.T) {
	all, err := multistatus(answered(`<?xml version='1.0'?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
		<d:response><d:href> /a%20b/ </d:href><d:propstat><d:status>HTTP/1.1 200 OK</d:status><d:prop><d:getetag>&quot;1&quot;</d:getetag>
		<c:calendar-data><![CDATA[BEGIN:VCALENDAR]]>&#13;
END</c:calendar-data></d:prop></d:propstat><d:propstat><d:prop><d:owner/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>
		<d:response><d:href>/x</d:href><d:href>/y</d:href><d:status>HTTP/1.1 403 Forbidden</d:status></d:response>
		<d:response><d:href>/z</d:href><d:status>HTTP/2 200</d:status></d:response><d:sync-token>1</d:sync-token></d:multistatus>`))
	if err != nil || len(all) != 4 {
		t.Fatalf("got %d responses, %v", len(all), err)
	}
	if r := all[0]; r.href != "/a%20b/" || r.gives(dav("getetag")) != `"1"` || r.failed[dav("owner")] != 404 ||
		r.gives(cal("calendar-data")) != "BEGIN:VCALENDAR\r\nEND" {
		t.Errorf("got %+v, data %q", r, r.gives(cal("calendar-data")))
	}
	if all[1].href != "/x" || all[2].href != "/y" || all[2].status != 403 || all[3].status != 0 {
		t.Errorf("got %+v", all[1:])
	}
	pieces := strings.Repeat("x<!---->", 1<<20)
	all, err = multistatus(answered(`<multistatus xmlns="DAV:"><response><href>` + pieces + `</href></response></multistatus>`))
	if err != nil || len(all) != 1 || len(all[0].href) != 1<<20 {
		t.Errorf("a text in a million pieces: %v", err)
	}
	for line, want := range map[string]int{"": 0, "200": 0, "HTTP/1.1": 0, "HTTP/1.1 x": 0, "HTTP/1.1 99": 0, "HTTP/1.1 207 Multi-Status": 207} {
		if got := statusOf(line); got != want {
			t.Errorf("%q: got %d, want %d", line, got, want)
		}
	}
}

func FuzzMultistatus(f *testing.F) {
	f.Add(`<multistatus xmlns="DAV:"><response><href>/</href><propstat><prop><getetag>1</getetag></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`)
	f.Add(`<multistatus xmlns="DAV:"><response><status>HTTP/1.1 404 X</status><href/></response></multistatus>`)
	f.Fuzz(func(t *testing.T, body string) {
		all, err := multistatus(answered(body))
		if _, fault := errors.AsType[*sources.Fault](err); err != nil && !fault {
			t.Errorf("%v is no fault", err)
		}
		for i := range all {
			for name, n := range all[i].found {
				if n == nil || n.name != name {
					t.Errorf("%v is kept as %v", n, name)
				}
			}
		}
	})
}
