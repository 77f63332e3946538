package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"presenced/internal/presence"
)

// TestNotices: what is told is believed of nobody but whose proof is good, and the
// answer does not tell who that is (I1).
func TestNotices(t *testing.T) {
	s := newSite(t)
	var heard []string
	s.o.Noticed = func(source string, user presence.Addr, proof string, afresh bool) bool {
		heard = append(heard, fmt.Sprint(source, " ", user.Key(), " ", proof, " ", afresh))
		return proof == "good"
	}
	const path = "/v1/notices/graph?source=microsoft&user=alice@example.org"
	notices := func(states ...string) string {
		var all []string
		for _, c := range states {
			all = append(all, `{"clientState":"`+c+`","resource":"Users/x/Events/y","changeType":"updated"}`)
		}
		return `{"value":[` + strings.Join(all, ",") + `]}`
	}
	for _, c := range []struct {
		what, path, body string
		status           int
		answer, heard    string
	}{
		{"validation", path + "&validationToken=a%20%3Cb%3E%26", "", http.StatusOK, "a <b>&", ""},
		{"a validation too long", path + "&validationToken=" + strings.Repeat("x", maxValidation+1), "", http.StatusBadRequest, "too long", ""},
		{"a good one", path, notices("good", "good"), http.StatusAccepted, "", "microsoft alice@example.org good false"},
		{"bad ones", path, notices("bad", "good"), http.StatusAccepted, "", "microsoft alice@example.org bad false,microsoft alice@example.org good false"},
		{"only bad", path, notices("bad"), http.StatusAccepted, "", "microsoft alice@example.org bad false"},
		{"of the subscription", path, `{"value":[{"clientState":"good","lifecycleEvent":"subscriptionRemoved"}]}`, http.StatusAccepted, "", "microsoft alice@example.org good true"},
		{"nothing", path, `{}`, http.StatusAccepted, "", ""},
		{"no JSON", path, `<html>`, http.StatusBadRequest, "no list", ""},
		{"too much", path, `{"value":[{"clientState":"` + strings.Repeat("x", maxBody) + `"}]}`, http.StatusBadRequest, "no list", ""},
		{"a bad query", "/v1/notices/graph?user=%zz", notices("good"), http.StatusBadRequest, "query", ""},
	} {
		heard = nil
		r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
		w := httptest.NewRecorder()
		s.handler().ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.answer) || strings.Join(heard, ",") != c.heard {
			t.Errorf("%s: %d %s, heard %q; want %d %s %q", c.what, w.Code, w.Body, heard, c.status, c.answer, c.heard)
		}
		s.told.hold(t, r, w.Code, w.Header(), w.Body.Bytes())
		if w.Code == http.StatusOK && (w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain")) {
			t.Errorf("%s: a browser could run it: %v", c.what, w.Header())
		}
	}
	heard = nil
	many := httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{"value":[`+strings.Repeat(`{},`, 80_000)+`{}]}`))
	answered := httptest.NewRecorder()
	s.handler().ServeHTTP(answered, many)
	if answered.Code != http.StatusAccepted || len(heard) > maxTried {
		t.Errorf("%d proofs of one request were looked at, answered %d", len(heard), answered.Code)
	}
	s.o.Noticed = nil
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(notices("good"))))
	if w.Code != http.StatusNotFound {
		t.Errorf("where nobody listens: %d", w.Code)
	}
}
