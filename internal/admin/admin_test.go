package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// door is the engine as the test wants it to be; a missing function fails.
type door struct {
	look    func(asker engine.Principal, users []presence.Addr) []presence.View
	explain func(user, watcher presence.Addr) (engine.Explained, error)
	inspect func(user presence.Addr) (engine.Inspection, error)
	users   func() ([]engine.UserSummary, error)
	saved   []engine.Saved
	apply   func(who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error)

	policies engine.PolicyList
	raw      []engine.RawReport
	grant    func(who engine.Principal, g engine.PolicyGrant, on bool) (engine.Result, error)
}

func (d *door) Look(_ context.Context, asker engine.Principal, users []presence.Addr) []presence.View {
	return d.look(asker, users)
}
func (d *door) Explain(_ context.Context, _ engine.Principal, user, watcher presence.Addr) (engine.Explained, error) {
	return d.explain(user, watcher)
}
func (d *door) Inspect(_ context.Context, _ engine.Principal, user presence.Addr) (engine.Inspection, error) {
	return d.inspect(user)
}
func (d *door) Users(context.Context, engine.Principal) ([]engine.UserSummary, error) {
	return d.users()
}
func (d *door) Export(_ context.Context, each func(engine.Saved) error) error {
	for _, u := range d.saved {
		if err := each(u); err != nil {
			return err
		}
	}
	return nil
}
func (d *door) ExportUser(_ context.Context, user presence.Addr) (engine.Saved, error) {
	for _, u := range d.saved {
		if u.User == user.Key() {
			return u, nil
		}
	}
	return engine.Saved{}, &engine.RefusedError{Kind: engine.NotFound, Field: "jid", Reason: "nothing is stored of her"}
}
func (d *door) BadgeOf(context.Context, engine.Principal, presence.Addr) (string, error) {
	return "handle", nil
}
func (d *door) Apply(_ context.Context, who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error) {
	return d.apply(who, user, c)
}

func (d *door) Policies(context.Context, engine.Principal) (engine.PolicyList, error) {
	return d.policies, nil
}
func (d *door) RawReports(context.Context, engine.Principal) ([]engine.RawReport, error) {
	return d.raw, nil
}
func (d *door) GrantPolicy(_ context.Context, who engine.Principal, g engine.PolicyGrant, on bool) (engine.Result, error) {
	return d.grant(who, g, on)
}

// serve runs a server on a socket of its own and returns a client, the socket
// and what was logged.
func serve(t *testing.T, d *door) (*Client, string, *bytes.Buffer) {
	t.Helper()
	return serveDoor(t, d)
}

func serveDoor(t *testing.T, d Door) (*Client, string, *bytes.Buffer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run", "admin.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s := NewServer(Options{
		Door: d, Ready: func() bool { return true }, Language: "en", Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})),
		Status: func() Status { return Status{Version: "test", Status: "ready", Domain: "presence.example.org"} },
	})
	s.Serve(l)
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return NewClient(path), path, &log
}

func TestPresence_AsksAsTheWatcherAndShowsOnlyWhatTheViewHolds(t *testing.T) {
	until := time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)
	var asked engine.Principal
	client, _, _ := serve(t, &door{look: func(asker engine.Principal, users []presence.Addr) []presence.View {
		asked = asker
		if len(users) != 1 || users[0] != presence.MustAddr("d'artagnan@example.org") {
			t.Errorf("asked for %v", users)
		}
		v := presence.View{Container: 200, Availability: 6500, Activity: presence.InAMeeting, Until: until, Interrupt: true, Zone: true}
		v.Text[presence.FieldTimezone] = "Europe/Oslo"
		v.LastActive = until.Add(-time.Hour)
		return []presence.View{v}
	}})
	p, err := client.Presence(t.Context(), `d\27artagnan@example.org`, "Bob@example.org/phone")
	if err != nil {
		t.Fatal(err)
	}
	if !asked.Operator || asked.Addr != presence.MustAddr("bob@example.org") || asked.JID != "Bob@example.org" {
		t.Errorf("asked as %+v", asked)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	// The day of the meeting decides whether its date is told.
	got := strings.Replace(string(text), p.Status, "STATUS", 1)
	want := `{"user":"d\\27artagnan@example.org","availability":6500,"show":"dnd","activity":"in-a-meeting","status":"STATUS",` +
		`"until":"2026-11-22T15:00:00Z","interrupt":true,"fields":{"lastActive":"2026-11-22T14:00:00Z","timezone":"Europe/Oslo"}}`
	if got != want || !strings.HasPrefix(p.Status, "In a meeting until ") {
		t.Errorf("got  %s\nwant %s\nstatus %q", got, want, p.Status)
	}
}

func TestPresence_WithoutAsIsSelfAndOfflineShowsNothing(t *testing.T) {
	client, _, _ := serve(t, &door{look: func(asker engine.Principal, _ []presence.Addr) []presence.View {
		if !asker.Addr.IsZero() || !asker.Operator {
			t.Errorf("asked as %+v, want the operator without a name", asker)
		}
		return []presence.View{presence.OfflineView(0)}
	}})
	p, err := client.Presence(t.Context(), "alice@example.org", "")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(p)
	if want := `{"user":"alice@example.org","availability":18500,"show":"unavailable","interrupt":false,"fields":{}}`; string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestChanges_GoThroughTheDoorAndTheUidIsLogged(t *testing.T) {
	var made []string
	client, _, log := serve(t, &door{apply: func(who engine.Principal, user presence.JID, c engine.Change) (engine.Result, error) {
		if !who.Operator {
			t.Errorf("applied as %+v", who)
		}
		made = append(made, fmt.Sprintf("%T %s", c, user.Full()))
		return engine.Result{Advice: []engine.Advice{engine.AdviceConsent}}, nil
	}})
	for _, change := range []func(context.Context, string) (Done, error){client.Enable, client.Disable, client.Erase} {
		done, err := change(t.Context(), "Alice%2f?#..b@example.org/desk")
		if err != nil || len(done.Advice) != 1 {
			t.Fatalf("advice %v, %v", done.Advice, err)
		}
	}
	const want = "engine.Enable Alice%2f?#..b@example.org engine.Disable Alice%2f?#..b@example.org engine.Erase Alice%2f?#..b@example.org"
	if got := strings.Join(made, " "); got != want {
		t.Errorf("made  %s\nwant %s", got, want)
	}
	if line := fmt.Sprintf("uid=%d method=DELETE", os.Getuid()); !strings.Contains(log.String(), line) || strings.Contains(log.String(), "Alice") {
		t.Errorf("the log lacks %q, or names the user:\n%s", line, log)
	}
}

func TestErrors_AreProblemsThatSayWhatToDo(t *testing.T) {
	var refuse error
	client, _, log := serve(t, &door{
		inspect: func(presence.Addr) (engine.Inspection, error) { return engine.Inspection{}, refuse },
		explain: func(_, _ presence.Addr) (engine.Explained, error) { return engine.Explained{}, refuse },
	})
	for _, c := range []struct {
		err    error
		status int
		detail string
	}{
		{&engine.RefusedError{Kind: engine.NotEnrolled, Reason: "run enable first"}, 404, "run enable first"},
		{&engine.RefusedError{Kind: engine.Invalid, Field: "jid", Reason: "no"}, 400, "no"},
		{&engine.RefusedError{Kind: engine.NotAllowed, Reason: "no"}, 403, "no"},
		{&engine.RefusedError{Kind: engine.TooMany, Reason: "no"}, 409, "no"},
		{&engine.RefusedError{Kind: engine.Unavailable, Reason: "try again"}, 503, "try again"},
		{errors.New("secret details"), 500, "something went wrong; the daemon's log says what"},
	} {
		refuse = c.err
		_, err := client.User(t.Context(), "alice@example.org")
		p, ok := errors.AsType[*ProblemError](err)
		if !ok || p.Status != c.status || p.Detail != c.detail || p.Title == "" {
			t.Errorf("%v: got %+v, want %d %q", c.err, p, c.status, c.detail)
		}
	}
	if !strings.Contains(log.String(), "secret details") {
		t.Error("the fault is not in the log")
	}
	for _, bad := range []string{"", "@example.org", strings.Repeat("x", 5000) + "@example.org"} {
		_, err := client.Explain(t.Context(), "alice@example.org", bad, "")
		if p, ok := errors.AsType[*ProblemError](err); !ok || p.Status != 400 || p.Field != "watcher" {
			t.Errorf("watcher %.20q: got %v, want a problem with the field", bad, err)
		}
	}
}

// send writes a raw request to the socket and returns the answer's status and
// content type.
func send(t *testing.T, socket, request string) (status int, kind string) {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	return r.StatusCode, r.Header.Get("Content-Type")
}

func TestRoutes_StatusListsAndWhatIsNotThere(t *testing.T) {
	client, socket, log := serve(t, &door{users: func() ([]engine.UserSummary, error) {
		return []engine.UserSummary{{User: "bob@x", Enabled: true, Online: true}, {User: "alice@x"}}, nil
	}})
	st, err := client.Status(t.Context())
	if err != nil || st.Users != (Users{Known: 2, Enabled: 1, Online: 1}) || st.Version != "test" || st.Reasons == nil {
		t.Errorf("status: %+v, %v", st, err)
	}
	asked := fmt.Sprintf("level=INFO msg=\"administration: request\" uid=%d method=GET", os.Getuid())
	if strings.Contains(log.String(), asked) {
		t.Errorf("every look at the status is logged:\n%s", log)
	}
	users, err := client.Users(t.Context())
	if err != nil || len(users) != 2 || users[0].User != "alice@x" {
		t.Errorf("users: %+v, %v, want them in order", users, err)
	}
	if !strings.Contains(log.String(), asked) {
		t.Errorf("the log lacks who read the users, %s:\n%s", asked, log)
	}
	for _, c := range []struct {
		request string
		status  int
	}{
		{"GET /v1/admin/nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		{"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		{"PUT /v1/admin/users HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404},
		{"GET /v1/admin/status HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 64<<10) + "\r\n\r\n", 431},
	} {
		status, kind := send(t, socket, c.request)
		if status != c.status {
			t.Errorf("%.40q: %d, want %d", c.request, status, c.status)
		}
		if c.status == 404 && kind != "application/problem+json" {
			t.Errorf("%.40q: %s", c.request, kind)
		}
	}
}
