package calendars

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Google answers freeBusy, events.list and the vacation settings of Gmail, and
// gives tokens for signed assertions at /token.
type Google struct {
	server
	mailboxes
	tokens
	account *account
	// Skew is how far its clock is ahead of ours.
	Skew time.Duration
	// Delegated says which users the account may stand for; nil: all.
	Delegated map[string]bool
	// Page is how many events one page has; 0: all.
	Page int
	// Zone is of every calendar, for all-day events.
	Zone string
	// Largest is how many calendars one freeBusy may have.
	Largest int

	seen    sync.Mutex // guards the rest
	batches []int
	expired bool
	lists   []string
}

// NewGoogle starts one. Fields may be set until the first request.
func NewGoogle(o Options) (*Google, error) {
	a, err := newAccount()
	if err != nil {
		return nil, err
	}
	g := &Google{account: a, Largest: 50, Zone: "Europe/Berlin"}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", g.token)
	mux.HandleFunc("POST /calendar/v3/freeBusy", g.freeBusy)
	mux.HandleFunc("GET /calendar/v3/calendars/{id}/events", g.events)
	mux.HandleFunc("GET /gmail/v1/users/{user}/settings/vacation", g.vacation)
	return g, g.start(o, mux)
}

// KeyFile is the service account's JSON key.
func (g *Google) KeyFile() ([]byte, error) { return g.account.file(g.URL + "/token") }

// ExpireSync makes every sync token too old.
func (g *Google) ExpireSync() {
	g.seen.Lock()
	defer g.seen.Unlock()
	g.expired = true
}

// Batches returns how many calendars each freeBusy had.
func (g *Google) Batches() []int {
	g.seen.Lock()
	defer g.seen.Unlock()
	return append([]int(nil), g.batches...)
}

// Lists returns the queries of every events.list.
func (g *Google) Lists() []string {
	g.seen.Lock()
	defer g.seen.Unlock()
	return append([]string(nil), g.lists...)
}

func (g *Google) token(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil || r.PostForm.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		oauthError(w, "unsupported_grant_type", "Invalid grant_type")
		return
	}
	c, problem, text := g.account.verify(r.PostForm.Get("assertion"), g.URL+"/token", time.Now().Add(g.Skew))
	switch {
	case problem != "":
		oauthError(w, problem, text)
	case c.Sub != "" && g.Delegated != nil && !g.Delegated[strings.ToLower(c.Sub)]:
		oauthError(w, "unauthorized_client", "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.")
	default:
		subject := c.Sub
		if subject == "" {
			subject = c.Iss
		}
		g.issue(w, subject, c.Scope)
	}
}

func googleError(w http.ResponseWriter, status int, domain, reason, message string) {
	write(w, status, map[string]any{"error": map[string]any{
		"code": status, "message": message, "errors": []map[string]string{{"domain": domain, "reason": reason, "message": message}},
	}})
}

func (g *Google) who(w http.ResponseWriter, r *http.Request) (string, bool) {
	who, ok := g.use(r)
	if !ok {
		googleError(w, http.StatusUnauthorized, "global", "authError", "Invalid Credentials")
	}
	return who, ok
}

func (g *Google) freeBusy(w http.ResponseWriter, r *http.Request) {
	if _, ok := g.who(w, r); !ok {
		return
	}
	var q struct {
		TimeMin, TimeMax     time.Time
		CalendarExpansionMax int
		Items                []struct{ ID string }
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(raw, &q) != nil || !q.TimeMin.Before(q.TimeMax) {
		googleError(w, http.StatusBadRequest, "calendar", "timeRangeEmpty", "The specified time range is empty.")
		return
	}
	g.seen.Lock()
	g.batches = append(g.batches, len(q.Items))
	g.seen.Unlock()
	limit := q.CalendarExpansionMax
	if limit == 0 || limit > g.Largest {
		limit = g.Largest
	}
	answer := map[string]any{}
	var ids []string
	for i, item := range q.Items {
		ids = append(ids, item.ID)
		box, ok := g.get(item.ID)
		reason := ""
		switch {
		case i >= limit:
			reason = "tooManyCalendarsRequested"
		case !ok:
			reason = "notFound"
		case box.Error != "":
			reason = box.Error
		}
		if reason != "" {
			answer[item.ID] = map[string]any{"busy": []any{}, "errors": []map[string]string{{"domain": "global", "reason": reason}}}
			continue
		}
		answer[item.ID] = map[string]any{"busy": busy(&box, q.TimeMin, q.TimeMax)}
	}
	if p := g.poison(ids); p != nil {
		p.play(w, r, http.NotFoundHandler())
		return
	}
	write(w, http.StatusOK, map[string]any{"kind": "calendar#freeBusy", "timeMin": q.TimeMin, "timeMax": q.TimeMax, "calendars": answer})
}

// busy are the times of opaque events, clipped as Google clips them.
func busy(box *Mailbox, from, to time.Time) []map[string]string {
	all := []map[string]string{}
	for _, e := range box.within(from, to) {
		if e.Transparent || e.Cancelled || e.Kind == "free" || e.Response == "declined" {
			continue
		}
		start, end := e.Start, e.End
		if start.Before(from) {
			start = from
		}
		if end.After(to) {
			end = to
		}
		all = append(all, map[string]string{"start": start.UTC().Format(time.RFC3339), "end": end.UTC().Format(time.RFC3339)})
	}
	return all
}

// events plays events.list: pages, sync tokens, and what may not be combined.
func (g *Google) events(w http.ResponseWriter, r *http.Request) {
	who, ok := g.who(w, r)
	if !ok {
		return
	}
	id, q := r.PathValue("id"), r.URL.Query()
	if id == "primary" {
		id = who
	}
	g.seen.Lock()
	g.lists = append(g.lists, r.URL.RawQuery)
	expired := g.expired
	g.seen.Unlock()
	box, known := g.get(id)
	sync := q.Get("syncToken")
	switch {
	case !known:
		googleError(w, http.StatusNotFound, "global", "notFound", "Not Found")
	case box.Poison != nil:
		box.Poison.play(w, r, http.NotFoundHandler())
	case box.Error != "":
		googleError(w, http.StatusForbidden, "calendar", box.Error, "as documented")
	case q.Get("singleEvents") != "true":
		googleError(w, http.StatusBadRequest, "global", "invalid", "the fake wants single events")
	case sync != "" && (q.Get("timeMin") != "" || q.Get("timeMax") != "" || q.Get("orderBy") != ""):
		googleError(w, http.StatusBadRequest, "global", "invalid", "Sync token cannot be used with query restrictions.")
	case sync != "" && expired:
		googleError(w, http.StatusGone, "calendar", "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
	case sync == fmt.Sprint("sync-", id, "-", box.version):
		g.list(w, id, &box, nil)
	case sync != "":
		g.list(w, id, &box, box.Events)
	default:
		g.seen.Lock()
		g.expired = false
		g.seen.Unlock()
		from, err1 := time.Parse(time.RFC3339, q.Get("timeMin"))
		to, err2 := time.Parse(time.RFC3339, q.Get("timeMax"))
		if err1 != nil || err2 != nil {
			googleError(w, http.StatusBadRequest, "global", "invalid", "Bad Request")
			return
		}
		g.page(w, id, &box, box.within(from, to), q.Get("pageToken"))
	}
}

func (g *Google) page(w http.ResponseWriter, id string, box *Mailbox, events []Event, token string) {
	at, _ := strconv.Atoi(token)
	at = min(max(at, 0), len(events))
	if g.Page > 0 && at+g.Page < len(events) {
		write(w, http.StatusOK, g.body(id, box, events[at:at+g.Page], "nextPageToken", strconv.Itoa(at+g.Page)))
		return
	}
	g.list(w, id, box, events[at:])
}

func (g *Google) list(w http.ResponseWriter, id string, box *Mailbox, events []Event) {
	write(w, http.StatusOK, g.body(id, box, events, "nextSyncToken", fmt.Sprint("sync-", id, "-", box.version)))
}

func (g *Google) body(id string, box *Mailbox, events []Event, key, token string) map[string]any {
	items := []map[string]any{}
	for i, e := range events {
		items = append(items, g.item(id, i, e))
	}
	return map[string]any{"kind": "calendar#events", "timeZone": g.Zone, "items": items, key: token, "summary": box.ErrorText}
}

func (g *Google) item(id string, n int, e Event) map[string]any {
	item := map[string]any{"kind": "calendar#event", "id": strconv.Itoa(n), "status": "confirmed", "eventType": "default"}
	if e.Cancelled {
		item["status"] = "cancelled"
		return item
	}
	item["start"] = map[string]string{"dateTime": e.Start.Format(time.RFC3339), "timeZone": g.Zone}
	item["end"] = map[string]string{"dateTime": e.End.Format(time.RFC3339), "timeZone": g.Zone}
	if e.AllDay {
		item["start"] = map[string]string{"date": e.Start.Format(time.DateOnly)}
		item["end"] = map[string]string{"date": e.End.Format(time.DateOnly)}
	}
	item["summary"], item["location"] = e.Subject, e.Location
	if e.Private {
		item["visibility"] = "private"
	}
	if e.Transparent {
		item["transparency"] = "transparent"
	}
	switch {
	case e.Type != "":
		item["eventType"] = e.Type
	case e.Kind == "oof":
		item["eventType"] = "outOfOffice"
	case e.Kind == "elsewhere":
		item["eventType"] = "workingLocation"
		item["transparency"] = "transparent"
		item["workingLocationProperties"] = map[string]any{"type": "homeOffice", "homeOffice": map[string]any{}}
	case e.Kind == "tentative" && e.Response == "":
		item["status"] = "tentative"
	}
	if e.Response != "" || e.Meeting {
		response := e.Response
		if response == "" {
			response = "accepted"
		}
		item["attendees"] = []map[string]any{{"email": "boss@corp.example", "responseStatus": "accepted"}, {"email": id, "self": true, "responseStatus": response}}
	}
	return item
}

func (g *Google) vacation(w http.ResponseWriter, r *http.Request) {
	who, ok := g.who(w, r)
	if !ok {
		return
	}
	box, known := g.get(who)
	if !known || box.Reply == nil {
		write(w, http.StatusOK, map[string]any{"enableAutoReply": false})
		return
	}
	re := box.Reply
	body := map[string]any{"enableAutoReply": true, "responseBodyHtml": re.External, "restrictToContacts": re.Audience == "contactsOnly", "restrictToDomain": re.Audience == "none"}
	if !re.End.IsZero() {
		body["startTime"], body["endTime"] = strconv.FormatInt(re.Start.UnixMilli(), 10), strconv.FormatInt(re.End.UnixMilli(), 10)
	}
	write(w, http.StatusOK, body)
}

// GoogleError is an answer with an error of Google's APIs.
func GoogleError(status int, reason string) Fault {
	return Fault{Path: "/calendar/", Status: status, Header: map[string]string{"Content-Type": "application/json"},
		Body: fmt.Sprintf(`{"error":{"code":%d,"message":"as documented","errors":[{"domain":"usageLimits","reason":%q,"message":"as documented"}]}}`, status, reason)}
}
