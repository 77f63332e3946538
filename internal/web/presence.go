package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"presenced/internal/answer"
	"presenced/internal/engine"
	"presenced/internal/presence"
	"presenced/internal/token"
)

// getPresence answers with one user.
func (s *Server) getPresence(w http.ResponseWriter, r *http.Request, h *token.Holder) {
	name := r.PathValue("name")
	if !named(w, "name", name) || !s.take(w, h, 1) {
		return
	}
	s.reply(w, r, h, answer.Append(make([]byte, 0, answerRoom), name, s.o.Language, s.look(r, h, engine.WayHTTP, name)))
}

// look asks for one user by name.
func (s *Server) look(r *http.Request, h *token.Holder, way engine.Way, name string) *presence.View {
	a, byEmail := s.o.Find(name)
	views := s.o.Door.Look(r.Context(), h.Principal(way), []presence.Addr{a})
	return views[0].Asked(byEmail)
}

// list is what POST takes: names, answered in order.
type list struct {
	Users []string `json:"users"`
}

// postPresence answers with many, in the order asked.
func (s *Server) postPresence(w http.ResponseWriter, r *http.Request, h *token.Holder) {
	var want list
	if !s.read(w, r, &want) {
		return
	}
	views, ok := s.lookAll(w, r, h, engine.WayHTTP, "users", want.Users)
	if !ok {
		return
	}
	body := append(make([]byte, 0, answerRoom*(len(views)+1)), `{"users":[`...)
	for i := range views {
		if i > 0 {
			body = append(body, ',')
		}
		body = answer.Append(body, want.Users[i], s.o.Language, &views[i])
	}
	s.reply(w, r, h, append(body, "]}"...))
}

// answerRoom is how many bytes an answer about one user mostly needs.
const answerRoom = 256

// lookAll asks for the users of a list; false: the request was refused.
func (s *Server) lookAll(w http.ResponseWriter, r *http.Request, h *token.Holder, way engine.Way, field string, names []string) ([]presence.View, bool) {
	if names == nil { // mostly a key under another name, which an empty answer would hide
		refuseField(w, http.StatusBadRequest, field, "is missing: a list of JIDs or e-mail addresses")
		return nil, false
	}
	if len(names) > maxUsers {
		refuseField(w, http.StatusBadRequest, field, "more than "+strconv.Itoa(maxUsers)+" users; ask in parts")
		return nil, false
	}
	users, byEmail := make([]presence.Addr, len(names)), make([]bool, len(names))
	for i, name := range names {
		if !named(w, field, name) {
			return nil, false
		}
		users[i], byEmail[i] = s.o.Find(name)
	}
	if !s.take(w, h, len(users)) {
		return nil, false
	}
	views := s.o.Door.Look(r.Context(), h.Principal(way), users)
	for i := range views {
		views[i] = *views[i].Asked(byEmail[i])
	}
	return views, true
}

// named reports whether somebody may have that name; else the request is
// answered. Which names mean somebody is not told here.
func named(w http.ResponseWriter, field, name string) bool {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		refuseField(w, http.StatusBadRequest, field, "write a JID or an e-mail address such as alice@example.org")
		return false
	}
	return true
}

// read takes the JSON body of a request; false: the request was refused.
func (s *Server) read(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "send JSON: Content-Type: application/json")
		return false
	}
	body, err := io.ReadAll(r.Body)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		refuse(w, http.StatusRequestEntityTooLarge, "the request is larger than "+strconv.Itoa(maxBody)+" bytes; ask in parts")
		return false
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the request did not arrive whole")
		return false
	}
	if err := json.Unmarshal(body, into); err != nil {
		refuse(w, http.StatusBadRequest, "the request is not the JSON that /openapi.yaml describes")
		return false
	}
	return true
}

// render makes JSON of what cannot fail to become it.
func render(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("web: an answer cannot be rendered: " + err.Error())
	}
	return b
}

// reply sends an answer for one principal.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, h *token.Holder, body []byte) {
	w.Header()["Content-Type"] = jsonType
	s.conditional(w, r, h.Addr.Key(), body)
}

// conditional sends a body for one asker; what he has already is not sent again.
func (s *Server) conditional(w http.ResponseWriter, r *http.Request, asker string, body []byte) {
	head := w.Header()
	head["Cache-Control"] = revalidate
	if r.Method != http.MethodPost {
		tag := s.etag(asker, body)
		head["Etag"] = []string{tag}
		if matches(r.Header.Values("If-None-Match"), tag) {
			head.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if r.Method == http.MethodHead || len(body) > ownLength {
		head.Set("Content-Length", strconv.Itoa(len(body)))
	}
	_, _ = w.Write(body) //nolint:gosec // it is JSON and says so; a client that left is no fault of ours
}

// ownLength is up to how many bytes net/http finds the length itself, and cheaper.
const ownLength = 1 << 10

// etag is a digest of an answer under a key that nobody knows, so that nobody
// can find out by trying what it was made of. It says nothing that the answer
// does not.
func (s *Server) etag(asker string, body []byte) string {
	mac, ok := s.macs.Get().(hash.Hash)
	if !ok {
		mac = hmac.New(sha256.New, s.key[:])
	}
	defer s.macs.Put(mac)
	mac.Reset()
	_, _ = io.WriteString(mac, asker)
	mac.Write([]byte{0}) // in no address
	mac.Write(body)
	var sum [sha256.Size]byte
	var tag [2 + 22]byte
	tag[0], tag[23] = '"', '"'
	base64.RawURLEncoding.Encode(tag[1:23], mac.Sum(sum[:0])[:16])
	return string(tag[:])
}

// matches reports whether If-None-Match names the tag (RFC 9110 §13.1.2).
func matches(headers []string, tag string) bool {
	for _, line := range headers {
		for one := range strings.SplitSeq(line, ",") {
			one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
			if one == tag || one == "*" {
				return true
			}
		}
	}
	return false
}
