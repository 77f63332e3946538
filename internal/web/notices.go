package web

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
)

const (
	// maxValidation bounds what is repeated to whoever validates the address.
	maxValidation = 1024
	// maxTried is how many proofs of one request are looked at: the poller does nothing
	// else meanwhile, and Microsoft sends the same with each change of a calendar.
	maxTried = 8
)

// postNotice takes a notice that a calendar has changed (change notifications of
// Microsoft Graph). Nobody can sign in here, so nothing of it is believed but that
// its clientState is one we gave away; and whatever comes is answered the same.
func (s *Server) postNotice(w http.ResponseWriter, r *http.Request) {
	if s.o.Noticed == nil {
		refuse(w, http.StatusNotFound, "calendars are not told of here")
		return
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the query cannot be read")
		return
	}
	if token := q.Get("validationToken"); token != "" {
		if len(token) > maxValidation {
			refuse(w, http.StatusBadRequest, "the token is too long")
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, token) //nolint:gosec // as text: nothing a browser would run
		return
	}
	var body struct {
		Value []struct {
			ClientState    string `json:"clientState"`
			LifecycleEvent string `json:"lifecycleEvent"`
		} `json:"value"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		refuse(w, http.StatusBadRequest, "the body is no list of notices")
		return
	}
	user, _ := s.o.Find(q.Get("user"))
	for _, n := range body.Value[:min(len(body.Value), maxTried)] {
		if s.o.Noticed(q.Get("source"), user, n.ClientState, n.LifecycleEvent != "") {
			break // the others are of the same calendar
		}
	}
	w.WriteHeader(http.StatusAccepted)
}
