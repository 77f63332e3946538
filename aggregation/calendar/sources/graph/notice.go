package graph

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/away"
)

// Microsoft tells of calendars that change where it was asked to (change
// notifications). That makes a poll come earlier and is needed for nothing: what a
// notice says is not looked at beside who it proves to be from.
const (
	// life is how long a subscription is asked for; 4,230 minutes are allowed.
	life = 4200 * time.Minute
	// early is how long before its end one is renewed.
	early = life / 2
	// sulk is how long none is asked for after a refusal.
	sulk = 6 * time.Hour
)

// notice is the subscription to the changes of one mailbox.
type notice struct {
	ID  string `json:"n,omitempty"`
	End int64  `json:"e,omitempty"` // Unix time; without an ID: when to ask again
}

// due reports whether it is time to ask for it, or for more of it.
func (n notice) due(now time.Time) bool {
	end := time.Unix(n.End, 0)
	return n.ID == "" && !now.Before(end) || n.ID != "" && !now.Before(end.Add(-early))
}

// state is what is remembered of a mailbox between two fetches.
type state struct {
	notice
	away.Memory
}

func readState(raw []byte) (s state) {
	if json.Unmarshal(raw, &s) != nil {
		return state{}
	}
	return s
}

// bytes returns a state within the 1 KiB it may have; nil: there is nothing.
func (s state) bytes() []byte {
	s.Memory = away.Read(s.Memory.Bytes()) // without a note that is too long
	if s.notice == (notice{}) && s.Away == nil {
		return nil
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	return raw
}

// subscribe sees that Microsoft tells of the changes of boxes, as many as go into
// one request, and remembers that in results.
func (s *Source) subscribe(ctx context.Context, boxes []sources.Mailbox, results []sources.Result) {
	now := s.now()
	var steps []step
	for i := range boxes {
		if results[i].Err != nil {
			continue // what is remembered stays
		}
		known := readState(boxes[i].State).notice
		results[i].State = state{notice: known, Memory: away.Read(results[i].State)}.bytes()
		if known.due(now) && len(steps) < maxSteps {
			steps = append(steps, s.subscription(i, &boxes[i], known, now))
		}
	}
	if len(steps) == 0 {
		return
	}
	told, err := s.batch(ctx, steps)
	if err != nil {
		return // the next poll tries again
	}
	for _, step := range steps {
		i, _ := strconv.Atoi(step.ID) // it is ours
		r := &results[i]
		next, err := told[step.ID].notice(now)
		if err != nil {
			r.Schedule.Warnings = append(r.Schedule.Warnings, "no change notifications: "+err.Error())
		}
		r.State = state{notice: next, Memory: away.Read(r.State)}.bytes()
	}
}

// subscription asks for one, or for more time for the one there is.
func (s *Source) subscription(i int, box *sources.Mailbox, known notice, now time.Time) step {
	end := now.Add(life).UTC().Format(time.RFC3339)
	one := step{ID: strconv.Itoa(i), Headers: map[string]string{"Content-Type": "application/json"}}
	if known.ID != "" && now.Before(time.Unix(known.End, 0)) {
		one.Method, one.URL = http.MethodPatch, "/subscriptions/"+url.PathEscape(known.ID)
		one.Body = map[string]string{"expirationDateTime": end}
		return one
	}
	where := s.o.NotifyURL + "&user=" + url.QueryEscape(box.User)
	one.Method, one.URL = http.MethodPost, "/subscriptions"
	one.Body = map[string]string{
		"changeType": "created,updated,deleted", "notificationUrl": where, "lifecycleNotificationUrl": where,
		"resource": "users/" + url.PathEscape(box.Address) + "/events", "expirationDateTime": end, "clientState": s.proof(box.User),
	}
	return one
}

// notice reads what was answered; without a subscription when to ask again.
func (a stepAnswer) notice(now time.Time) (notice, error) {
	var made struct {
		ID  string    `json:"id"`
		End time.Time `json:"expirationDateTime"`
	}
	const longest = 64
	switch {
	case a.Status == http.StatusNotFound: // it is there no more
		return notice{}, nil
	case a.Status == http.StatusForbidden:
		return notice{End: now.Add(sulk).Unix()}, errors.New("the application needs the permission Calendars.Read for them")
	case a.Status/100 != 2 || json.Unmarshal(a.Body, &made) != nil || made.ID == "" || len(made.ID) > longest:
		return notice{End: now.Add(sulk).Unix()}, fmt.Errorf("status %d: see that Microsoft reaches notify_url", a.Status)
	}
	return notice{ID: made.ID, End: made.End.Unix()}, nil
}

// proof is what Microsoft says along with each notice of a user's calendar, since
// only it was told so.
func (s *Source) proof(user string) string {
	m := hmac.New(sha256.New, []byte(s.o.Secret))
	_, _ = m.Write([]byte("notices of " + strings.ToLower(user))) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// Proves reports whether a notice of a user's calendar is what this source asked
// for.
func (s *Source) Proves(user, proof string) bool {
	return s.o.NotifyURL != "" && hmac.Equal([]byte(proof), []byte(s.proof(user)))
}
