package web

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

const nobodys = "nobodysbadgenobodysbadge22"

// badge gives alice one.
func (s *site) badge() string {
	s.Helper()
	s.apply(alice, engine.SetBadge{On: true})
	h, err := s.e.BadgeOf(s.Context(), engine.Principal{Operator: true}, presence.MustAddr(alice))
	if err != nil {
		s.Fatal(err)
	}
	return h
}

func TestBadge_ShowsTheClassToEverybody(t *testing.T) {
	s := newSite(t)
	s.online()
	h := s.badge()
	s.device(presence.ShowDND, false)
	for kind, want := range map[string]string{
		"json": `{"class":"do-not-disturb","label":"Do not disturb"}`, "txt": "Do not disturb\n", "svg": ">Do not disturb</text></svg>",
	} {
		path := "/badge/" + h + "." + kind
		res := s.ask("", "GET", path, "", "Origin", "https://anywhere.example")
		got := res.whole(t)
		if !strings.HasSuffix(strings.ToLower(got), strings.ToLower(want)) || !strings.Contains(got, "Access-Control-Allow-Origin: *\r\n") {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
		_, tag, _ := strings.Cut(got, "Etag: ")
		tag, _, _ = strings.Cut(tag, "\r\n")
		if again := s.ask("", "GET", path, "", "If-None-Match", tag); tag == "" || again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again with %q: %d", kind, tag, again.StatusCode)
		}
	}
	for _, bad := range []string{h, h + ".png", h + ".svg.json", ".svg", "x%3Cy.svg", strings.Repeat("x", 65) + ".svg"} {
		if res := s.ask("", "GET", "/badge/"+bad, ""); res.StatusCode != 404 {
			t.Errorf("%s: %d", bad, res.StatusCode)
		}
	}
}

// TestBadge_NobodysHiddenAndOfflineAreTheSameBytes holds badges to I2.
func TestBadge_NobodysHiddenAndOfflineAreTheSameBytes(t *testing.T) {
	for name, hide := range map[string]func(s *site){
		"offline": func(s *site) { s.device(presence.ShowNone, true) }, "off": func(s *site) { s.apply(alice, engine.SetBadge{}) },
		"disabled": func(s *site) { s.apply(alice, engine.Disable{}) }, "erased": func(s *site) { s.apply(alice, engine.Erase{}) },
		"appears offline": func(s *site) { s.apply(alice, engine.SetState{Availability: presence.Offline}) },
	} {
		s := newSite(t)
		s.online()
		h := s.badge()
		hide(s)
		for _, kind := range []string{".svg", ".json", ".txt"} {
			got, want := s.ask("", "GET", "/badge/"+h+kind, "").whole(t), s.ask("", "GET", "/badge/"+nobodys+kind, "").whole(t)
			if got != want || !strings.Contains(strings.ToLower(got), "offline") {
				t.Errorf("%s%s:\n%s\nnobody's:\n%s", name, kind, got, want)
			}
		}
	}
}

func TestBadge_EveryClassIsDrawnAndWellFormed(t *testing.T) {
	seen := map[string]string{}
	for c := presence.ClassUnset; c <= presence.ClassOffline; c++ {
		b := badgeOf("de", c)
		svg := string(drawBadge(b))
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v\n%s", c, err, svg)
			}
		}
		if b.Label == "" || !strings.Contains(svg, b.Label) || strings.Contains(svg, "%") {
			t.Errorf("%s: %s", c, svg)
		}
		if other := seen[svg]; other != "" && other != b.Class {
			t.Errorf("%s is drawn like %s", c, other)
		}
		seen[svg] = b.Class
	}
}

func TestBadge_StreamsTellClassesWithoutIds(t *testing.T) {
	s := newSite(t)
	s.withBob()
	addr := s.listen()
	e := s.openAt("http://"+addr+"/badge/stream?handle="+s.badge()+"&handle="+nobodys, "", "")
	got := []event{e.next(), e.next()}
	if !strings.HasPrefix(got[0].data, `{"badge":"`) || got[0].name != "badge" || got[0].id != "" || got[1].id != "" {
		t.Errorf("told %+v", got)
	}
	s.apply(alice, engine.SetNote{Text: "x"})
	s.device(presence.ShowAway, false)
	if one := e.next(); !strings.HasSuffix(one.data, `,"class":"away","label":"Away"}`) {
		t.Errorf("told %+v", one)
	}
	for _, bad := range []string{"", "?handle=", "?handle=X", "?" + strings.Repeat("handle=a&", maxBadges+1)} {
		if res := s.ask("", "GET", "/badge/stream"+bad, ""); res.StatusCode != 400 {
			t.Errorf("%q: %d", bad, res.StatusCode)
		}
	}
}

func TestAssets_AreServedWithoutAToken(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/indicator.js", "/page.js", "/page.css", "/openapi.yaml"} {
		res := s.ask("", "GET", path, "")
		if res.StatusCode != 200 || res.body == "" || res.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
	}
}
