package web

import (
	"net/http"
	"strings"
	"testing"

	"presenced/internal/presence"
	"presenced/internal/text"
)

// TestProblem_IsNotKeptAndReadsWell: a refusal may be over in a moment, and is read
// by people.
func TestProblem_IsNotKeptAndReadsWell(t *testing.T) {
	s := newSite(t)
	for path, as := range map[string]string{
		"/nothing": "", "/badge/x": "", "/badge/stream": "", "/v1/presence/x": "", "/v1/stream": bob, "/v1/presence": bob, "/v1/notices/graph": "",
	} {
		for _, method := range []string{"GET", "POST", "PATCH"} {
			r := s.ask(as, method, path, "")
			if r.StatusCode < 400 || r.Header.Get("Cache-Control") != "no-store" || strings.Contains(r.body, `\u00`) {
				t.Errorf("%s %s: %d, Cache-Control %q: %s", method, path, r.StatusCode, r.Header.Get("Cache-Control"), r.body)
			}
		}
	}
}

// TestPreflight_WhatEverybodyMaySeeEveryPageMayAskFor, with whatever headers.
func TestPreflight_WhatEverybodyMaySeeEveryPageMayAskFor(t *testing.T) {
	s := newSite(t)
	for path, want := range map[string]string{
		"/badge/x.svg": "*", "/badge/stream": "*", "/indicator.js": "*", "/openapi.yaml": "*", "/v1/presence": "", "/v1/stream": "",
		"/v1/users/x/claims/y": "", "/graph/v1.0/users/x/presence": "", "/v1/notices/graph": "",
	} {
		r := s.ask("", "OPTIONS", path, "", "Origin", "https://anywhere.example", "Access-Control-Request-Method", "GET",
			"Access-Control-Request-Headers", "if-none-match")
		if got := r.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%s: %d and %q, want %q", path, r.StatusCode, got, want)
		}
		if want != "" && !strings.Contains(r.Header.Get("Access-Control-Allow-Headers"), "If-None-Match") {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
}

// TestIndicator_HasTheWordsOfText, in each language.
func TestIndicator_HasTheWordsOfText(t *testing.T) {
	for _, lang := range text.Languages() {
		_, its, found := strings.Cut(string(indicatorScript), "\n  "+lang+": {")
		its, _, _ = strings.Cut(its, "}")
		for c := presence.ClassUnset + 1; c <= presence.ClassOffline; c++ {
			if want := "'" + c.String() + "': '" + text.Class(lang, c) + "'"; !found || !strings.Contains(its, want) {
				t.Errorf("%s: no %s", lang, want)
			}
		}
	}
}

// TestAsset_IsNotSentTwice to somebody who has it.
func TestAsset_IsNotSentTwice(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/page.css", "/page.js", "/indicator.js", "/openapi.yaml"} {
		first := s.ask("", "GET", path, "")
		tag := first.Header.Get("ETag")
		again := s.ask("", "GET", path, "", "If-None-Match", tag)
		if first.StatusCode != http.StatusOK || tag == "" || again.StatusCode != http.StatusNotModified || again.body != "" || again.Header.Get("ETag") != tag {
			t.Errorf("%s: %d with %q, then %d with %q", path, first.StatusCode, tag, again.StatusCode, again.Header.Get("ETag"))
		}
	}
}
