package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"presenced/internal/presence"
	"presenced/internal/text"
)

// Limits of badges. Nobody who asks for one is known, so that streams of theirs
// must not take the room of those who are.
const (
	maxHandle        = 64
	maxBadges        = 50 // of one stream
	maxPublicStreams = 4000
)

// public lets pages of every origin see what everybody may.
func (s *Server) public(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		if !s.o.Ready() {
			w.Header().Set("Retry-After", "2")
			refuse(w, http.StatusServiceUnavailable, "the settings are not loaded yet; try again in a moment")
			return
		}
		next(w, r)
	}
}

// getBadge shows a badge: HANDLE.svg, .json or .txt. Nobody's, a hidden and an
// offline user's are the same.
func (s *Server) getBadge(w http.ResponseWriter, r *http.Request) {
	handle, kind, _ := strings.Cut(r.PathValue("file"), ".")
	if !isHandle(handle) || kind != "svg" && kind != "json" && kind != "txt" {
		refuse(w, http.StatusNotFound, "a badge is /badge/HANDLE.svg, .json or .txt")
		return
	}
	v := s.o.Door.Badge(r.Context(), handle)
	b := badgeOf(s.o.Language, v.Availability.Class())
	var body []byte
	switch kind {
	case "svg":
		w.Header().Set("Content-Type", "image/svg+xml")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		body = drawBadge(b)
	case "json":
		w.Header().Set("Content-Type", "application/json")
		body = render(b)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		body = []byte(b.Label + "\n")
	}
	s.conditional(w, r, "", body)
}

// isHandle reports whether a text can be a handle, of somebody or nobody.
func isHandle(h string) bool {
	for i := range len(h) {
		if c := h[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return h != "" && len(h) <= maxHandle
}

// badge is what a badge says: a class, and its name for people.
type badge struct {
	Class string `json:"class"`
	Label string `json:"label"`
}

func badgeOf(lang string, c presence.Class) badge {
	if c == presence.ClassUnset {
		c = presence.ClassOffline
	}
	return badge{Class: c.String(), Label: text.Class(lang, c)}
}

// restBadge renders a badge for streams: all but its handle.
func (s *Server) restBadge(v *presence.View) []byte {
	b := render(badgeOf(s.o.Language, v.Availability.Class()))
	b[0] = ','
	return b
}

// getBadgeStream tells of badges as getStream does of users.
func (s *Server) getBadgeStream(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["handle"]
	if len(names) == 0 || len(names) > maxBadges {
		refuseField(w, http.StatusBadRequest, "handle", "name from 1 to "+strconv.Itoa(maxBadges)+" badges: /badge/stream?handle=…&handle=…")
		return
	}
	wants := make([]want, len(names))
	for i, name := range names {
		if !isHandle(name) {
			refuseField(w, http.StatusBadRequest, "handle", "a handle has small letters and digits only")
			return
		}
		wants[i].badge = name
	}
	if s.publics.Add(1) > maxPublicStreams {
		s.publics.Add(-1)
		s.full(w)
		return
	}
	defer s.publics.Add(-1)
	p := &pump{s: s, event: "badge", member: "badge", names: names}
	p.serve(w, r, wants, "", 0)
}

// shape is how a class looks where colour is not seen.
type shape struct{ colour, mark string }

func shapeOf(c presence.Class) shape {
	const disc = `<circle cx="10" cy="10" r="7" fill="%[1]s"/>`
	const ring = `<circle cx="10" cy="10" r="5.5" fill="none" stroke="%[1]s" stroke-width="3"/>`
	switch c {
	case presence.ClassAvailable:
		return shape{"#1a7f37", disc + `<path d="M6.5 10l2.5 2.7 4.5-5" fill="none" stroke="#fff" stroke-width="2"/>`}
	case presence.ClassAvailableIdle:
		return shape{"#1a7f37", ring}
	case presence.ClassBusy:
		return shape{"#b3261e", disc}
	case presence.ClassBusyIdle:
		return shape{"#b3261e", ring}
	case presence.ClassDoNotDisturb:
		return shape{"#b3261e", disc + `<path d="M6 10h8" stroke="#fff" stroke-width="2.5"/>`}
	case presence.ClassBeRightBack, presence.ClassAway:
		return shape{"#8a5a00", disc + `<path d="M10 6v4.3l3 2" fill="none" stroke="#fff" stroke-width="2"/>`}
	}
	return shape{"#5f6368", ring + `<path d="M7.5 7.5l5 5m0-5l-5 5" stroke="%[1]s" stroke-width="2"/>`}
}

// drawBadge draws a badge: shape, colour and word, each of which is enough.
func drawBadge(b badge) []byte {
	look, label := shapeOf(presence.ClassNamed(b.Class)), b.Label
	mark := strings.ReplaceAll(look.mark, "%[1]s", look.colour)
	width := 30 + 8*len([]rune(label))
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="20" role="img" aria-label="%[2]s"><title>%[2]s</title>`+
		`<rect x=".5" y=".5" width="%[4]d" height="19" rx="4" fill="#fff" stroke="#c4c7cc"/>%[3]s`+
		`<text x="22" y="14" font-family="DejaVu Sans,Verdana,sans-serif" font-size="12" fill="#1f2328">%[2]s</text></svg>`, width, label, mark, width-1)
}
