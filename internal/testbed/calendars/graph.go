package calendars

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Graph answers getSchedule and the automatic replies of Microsoft Graph (in
// $batch too), and gives tokens at /TENANT/oauth2/v2.0/token.
type Graph struct {
	server
	mailboxes
	tokens
	Tenant, ClientID, Secret string
	// Largest is how many schedules one request may have; Longest its window.
	Largest int
	Longest time.Duration
	// UTCOnly ignores the time zone that is preferred, as one cloud does.
	UTCOnly bool
	// Shuffle answers in another order, with one answer twice.
	Shuffle bool
	// Blocked are mailboxes the application may not touch; asked as anchors they
	// refuse the whole request.
	Blocked map[string]bool
	// NoReplies refuses automatic replies: the right was not granted.
	NoReplies bool
	// NoSubscriptions refuses change notifications likewise.
	NoSubscriptions bool
	// PerMailbox is how many requests may run at once for one mailbox.
	PerMailbox int

	busy    sync.Mutex // guards the rest
	flying  map[string]int
	anchors map[string]int
	batches []int
	subs    map[string]*Subscription // by id
}

// NewGraph starts one. Fields may be set until the first request.
func NewGraph(o Options) (*Graph, error) {
	g := &Graph{
		Tenant: "contoso.example", ClientID: "0f6cfb6a-app", Secret: "s3cret~Graph", Largest: 100, Longest: 62 * 24 * time.Hour, PerMailbox: 4,
		flying: map[string]int{}, anchors: map[string]int{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("tenant") != g.Tenant {
			oauthError(w, "invalid_request", "AADSTS90002: Tenant '"+r.PathValue("tenant")+"' not found.")
			return
		}
		g.clientCredentials(w, r, g.ClientID, g.Secret)
	})
	mux.HandleFunc("POST /v1.0/users/{user}/calendar/getSchedule", g.getSchedule)
	mux.HandleFunc("POST /v1.0/$batch", g.batch)
	return g, g.start(o, mux)
}

// Batches returns how many mailboxes each getSchedule had.
func (g *Graph) Batches() []int {
	g.busy.Lock()
	defer g.busy.Unlock()
	return append([]int(nil), g.batches...)
}

// Anchors returns how often each mailbox was the one in the URL.
func (g *Graph) Anchors() map[string]int {
	g.busy.Lock()
	defer g.busy.Unlock()
	return maps.Clone(g.anchors)
}

func graphError(w http.ResponseWriter, status int, code, message string) {
	write(w, status, map[string]any{"error": map[string]any{"code": code, "message": message, "innerError": map[string]string{"request-id": "r1"}}})
}

type graphTime struct {
	DateTime string `json:"dateTime"`
	TimeZone string `json:"timeZone"`
}

func (g *Graph) getSchedule(w http.ResponseWriter, r *http.Request) {
	if _, ok := g.use(r); !ok {
		graphError(w, http.StatusUnauthorized, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
		return
	}
	var q struct {
		Schedules []string
		StartTime graphTime
		EndTime   graphTime
		Interval  int `json:"availabilityViewInterval"`
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(raw, &q) != nil {
		graphError(w, http.StatusBadRequest, "RequestBodyRead", "The body is not valid.")
		return
	}
	anchor := strings.ToLower(r.PathValue("user"))
	if !g.begin(anchor, len(q.Schedules)) {
		w.Header().Set("Retry-After", "7")
		graphError(w, http.StatusTooManyRequests, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
		return
	}
	defer g.end(anchor)
	from, err1 := time.Parse("2006-01-02T15:04:05", q.StartTime.DateTime)
	to, err2 := time.Parse("2006-01-02T15:04:05", q.EndTime.DateTime)
	box, known := g.get(anchor)
	switch {
	case g.Blocked[anchor]:
		graphError(w, http.StatusForbidden, "ErrorAccessDenied", "Access to OData is disabled: Blocked by tenant configured AppOnly AccessPolicy settings.")
	case !known:
		graphError(w, http.StatusNotFound, "ErrorInvalidUser", "The requested user '"+anchor+"' is invalid.")
	case box.Moved != "":
		graphError(w, http.StatusNotFound, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise.")
	case len(q.Schedules) > g.Largest:
		graphError(w, http.StatusBadRequest, "ErrorMailboxDataArrayTooBig", "The number of mailboxes is too big.")
	case err1 != nil || err2 != nil || q.StartTime.TimeZone != "UTC" || !from.Before(to) || to.Sub(from) > g.Longest:
		graphError(w, http.StatusBadRequest, "ErrorInvalidTimeInterval", "The window is not valid.")
	default:
		if p := g.poison(q.Schedules); p != nil {
			p.play(w, r, http.NotFoundHandler())
			return
		}
		g.schedules(w, r, q.Schedules, from, to)
	}
}

func (g *Graph) begin(anchor string, n int) bool {
	g.busy.Lock()
	defer g.busy.Unlock()
	g.batches = append(g.batches, n)
	g.anchors[anchor]++
	if g.flying[anchor] >= g.PerMailbox {
		return false
	}
	g.flying[anchor]++
	return true
}

func (g *Graph) end(anchor string) {
	g.busy.Lock()
	defer g.busy.Unlock()
	g.flying[anchor]--
}

func (g *Graph) schedules(w http.ResponseWriter, r *http.Request, addresses []string, from, to time.Time) {
	zone := "Pacific Standard Time"
	if _, after, ok := strings.Cut(r.Header.Get("Prefer"), "outlook.timezone="); ok && !g.UTCOnly {
		zone = strings.Trim(after, `"`)
	} else if g.UTCOnly {
		zone = "UTC"
	}
	value := []map[string]any{}
	for _, a := range addresses {
		box, ok := g.get(a)
		switch {
		case !ok:
			value = append(value, map[string]any{"scheduleId": a, "error": map[string]string{
				"message":      "Proxy web request failed: the recipient was not found",
				"responseCode": "ErrorMailRecipientNotFound",
			}})
		case box.Error != "":
			value = append(value, map[string]any{"scheduleId": a, "error": map[string]string{"message": box.ErrorText, "responseCode": box.Error}})
		default:
			value = append(value, map[string]any{
				"scheduleId": a, "scheduleItems": g.items(&box, from, to, zone),
				"availabilityView": strings.Repeat("2", 8), // wrong on purpose: nobody may read it
			})
		}
	}
	if g.Shuffle && len(value) > 1 {
		for i, j := 0, len(value)-1; i < j; i, j = i+1, j-1 {
			value[i], value[j] = value[j], value[i]
		}
		value = append(value, value[0])
	}
	write(w, http.StatusOK, map[string]any{"@odata.context": g.URL + "/v1.0/$metadata", "value": value})
}

func (g *Graph) items(box *Mailbox, from, to time.Time, zone string) []map[string]any {
	items := []map[string]any{}
	for _, e := range box.within(from, to) {
		in := zone
		if e.Zone != "" {
			in = e.Zone
		}
		kind := e.Kind
		if kind == "elsewhere" {
			kind = "workingElsewhere"
		}
		item := map[string]any{"status": kind, "start": graphMoment(e.Start, in), "end": graphMoment(e.End, in), "isPrivate": e.Private}
		if !e.Private {
			item["subject"], item["location"] = e.Subject, e.Location
		}
		items = append(items, item)
	}
	return items
}

// graphZones are the zones the fake knows under Windows' names.
var graphZones = map[string]string{"UTC": "UTC", "Pacific Standard Time": "America/Los_Angeles", "W. Europe Standard Time": "Europe/Berlin"}

func graphMoment(t time.Time, zone string) graphTime {
	name, ok := graphZones[zone]
	if !ok {
		name = "UTC"
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		loc = time.UTC
	}
	return graphTime{DateTime: t.In(loc).Format("2006-01-02T15:04:05.0000000"), TimeZone: zone}
}

// batch answers JSON batching for automatic replies.
func (g *Graph) batch(w http.ResponseWriter, r *http.Request) {
	if _, ok := g.use(r); !ok {
		graphError(w, http.StatusUnauthorized, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
		return
	}
	var q struct {
		Requests []struct {
			ID, Method, URL string
			Body            json.RawMessage
		}
	}
	if raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20)); err != nil || json.Unmarshal(raw, &q) != nil || len(q.Requests) > 20 {
		graphError(w, http.StatusBadRequest, "BadRequest", "Number of batch request steps exceeds the maximum value of 20.")
		return
	}
	responses := []map[string]any{}
	for i := range q.Requests {
		one := q.Requests[len(q.Requests)-1-i] // in any order, says the documentation
		status, body := g.step(r.Context(), one.Method, one.URL, one.Body)
		responses = append(responses, map[string]any{"id": one.ID, "status": status, "headers": map[string]string{"Content-Type": "application/json"}, "body": body})
	}
	write(w, http.StatusOK, map[string]any{"responses": responses})
}

func (g *Graph) step(ctx context.Context, method, url string, body json.RawMessage) (int, any) {
	if strings.HasPrefix(url, "/subscriptions") {
		return g.subscribe(ctx, method, url, body)
	}
	return g.reply(url)
}

func (g *Graph) reply(url string) (int, any) {
	address, ok := strings.CutSuffix(strings.TrimPrefix(url, "/users/"), "/mailboxSettings/automaticRepliesSetting")
	box, known := g.get(strings.ReplaceAll(address, "%40", "@"))
	switch {
	case g.NoReplies:
		return http.StatusForbidden, map[string]any{"error": map[string]string{"code": "ErrorAccessDenied", "message": "Access is denied. Check credentials and try again."}}
	case !ok || !known:
		return http.StatusNotFound, map[string]any{"error": map[string]string{"code": "ErrorInvalidUser", "message": "invalid"}}
	}
	status := "disabled"
	setting := map[string]any{"externalAudience": "none", "internalReplyMessage": "", "externalReplyMessage": "",
		"scheduledStartDateTime": graphMoment(time.Unix(0, 0), "UTC"), "scheduledEndDateTime": graphMoment(time.Unix(86400, 0), "UTC")}
	if re := box.Reply; re != nil {
		status = "alwaysEnabled"
		setting["internalReplyMessage"], setting["externalReplyMessage"], setting["externalAudience"] = re.Internal, re.External, re.Audience
		if !re.End.IsZero() {
			status = "scheduled"
			setting["scheduledStartDateTime"], setting["scheduledEndDateTime"] = graphMoment(re.Start, "UTC"), graphMoment(re.End, "UTC")
		}
	}
	setting["status"] = status
	return http.StatusOK, setting
}

// Throttled is 429 of Graph with Retry-After as it is given: seconds, or a date.
func Throttled(retryAfter string) Fault {
	return Fault{Path: "/v1.0/", Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": retryAfter},
		Body: `{"error":{"code":"TooManyRequests","message":"Too Many Requests"}}`}
}

// GraphError is an answer with an error of Graph.
func GraphError(status int, code string) Fault {
	return Fault{Path: "/v1.0/", Status: status, Body: fmt.Sprintf(`{"error":{"code":%s,"message":"as documented"}}`, strconv.Quote(code))}
}
