package calendars

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Subscription is what Graph was asked to tell of.
type Subscription struct {
	URL, Lifecycle, Resource, ClientState string
	End                                   time.Time
}

// longestSubscription is what Graph gives for events without their data.
const longestSubscription = 4230 * time.Minute

// Subscriptions returns those there are.
func (g *Graph) Subscriptions() []Subscription {
	g.busy.Lock()
	defer g.busy.Unlock()
	var all []Subscription
	for _, s := range g.subs {
		all = append(all, *s)
	}
	return all
}

// EndSubscriptions forgets all of them.
func (g *Graph) EndSubscriptions() {
	g.busy.Lock()
	defer g.busy.Unlock()
	g.subs = nil
}

// subscribe answers a step of $batch about subscriptions.
func (g *Graph) subscribe(ctx context.Context, method, path string, raw json.RawMessage) (int, any) {
	var q struct {
		ChangeType, NotificationURL, LifecycleNotificationURL, Resource, ClientState string
		End                                                                          time.Time `json:"expirationDateTime"`
	}
	bad := func(status int, code string) (int, any) {
		return status, map[string]any{"error": map[string]string{"code": code, "message": "as documented"}}
	}
	err := json.Unmarshal(raw, &q)
	if left := time.Until(q.End); err != nil || left <= 0 || left > longestSubscription {
		return bad(http.StatusBadRequest, "InvalidRequest")
	}
	if g.NoSubscriptions {
		return bad(http.StatusForbidden, "ErrorAccessDenied")
	}
	if id, ok := strings.CutPrefix(path, "/subscriptions/"); ok && method == http.MethodPatch {
		g.busy.Lock()
		defer g.busy.Unlock()
		s := g.subs[id]
		if s == nil {
			return bad(http.StatusNotFound, "ResourceNotFound")
		}
		s.End = q.End
		return http.StatusOK, map[string]any{"id": id, "expirationDateTime": q.End}
	}
	const most = 128
	if method != http.MethodPost || path != "/subscriptions" || q.ChangeType == "" || len(q.ClientState) > most || !validates(ctx, q.NotificationURL) {
		return bad(http.StatusBadRequest, "InvalidRequest")
	}
	g.busy.Lock()
	defer g.busy.Unlock()
	if g.subs == nil {
		g.subs = map[string]*Subscription{}
	}
	id := fmt.Sprintf("7f105c7d-2dc5-4530-97cd-%012d", len(g.subs)+1)
	g.subs[id] = &Subscription{q.NotificationURL, q.LifecycleNotificationURL, q.Resource, q.ClientState, q.End}
	return http.StatusCreated, map[string]any{"id": id, "expirationDateTime": q.End}
}

// validates sends a token to an address, which has to send it back as text.
func validates(ctx context.Context, where string) bool {
	const token = "Validation: Testing client application reachability for subscription <b>&amp;"
	status, body, kind := post(ctx, where+"&validationToken="+url.QueryEscape(token), nil)
	return status == http.StatusOK && body == token && strings.HasPrefix(kind, "text/plain")
}

// Tell says to everybody who asked that an address' calendar has changed, or, with
// a lifecycle event, something about the subscription. It returns the statuses.
func (g *Graph) Tell(ctx context.Context, address, lifecycle string) (statuses []int) {
	for _, s := range g.Subscriptions() {
		if s.Resource != "users/"+address+"/events" {
			continue
		}
		one := map[string]any{
			"subscriptionId": "x", "clientState": s.ClientState, "changeType": "updated", "tenantId": "84bd8158",
			"resource": "Users/0d1b6b4a/Events/AAMk", "resourceData": map[string]string{"@odata.type": "#Microsoft.Graph.Event", "id": "AAMk"},
		}
		where := s.URL
		if lifecycle != "" {
			one["lifecycleEvent"], where = lifecycle, s.Lifecycle
		}
		body, err := json.Marshal(map[string]any{"value": []any{one}})
		if err != nil {
			continue
		}
		status, _, _ := post(ctx, where, body)
		statuses = append(statuses, status)
	}
	return statuses
}

func post(ctx context.Context, where string, body []byte) (status int, text, kind string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, where, bytes.NewReader(body))
	if err != nil {
		return 0, "", ""
	}
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", ""
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return 0, "", ""
	}
	return resp.StatusCode, string(raw), resp.Header.Get("Content-Type")
}
