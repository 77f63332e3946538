//go:build integration

package acceptance

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"presenced/internal/testbed"
)

// stage is the shipped binary attached to a scripted server, with the memory of
// everything the server has received on all links: what a server has received
// is what its watchers see.
type stage struct {
	*testing.T
	fake *testbed.ComponentServer
	d    *testbed.Daemon

	redis *testbed.Redis // nil: the embedded store
	store map[string]any // what the configuration says of it

	mu    sync.Mutex // guards links
	links []*testbed.Link
}

// patient is set where a run may take many minutes (make test-long).
var patient = os.Getenv("PRESENCED_LONG") == "1"

// TestMain lets more tests run side by side than there are processors: those
// that are marked parallel wait for time limits and hardly compute.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// script starts a scripted server where everybody approves the component.
func script(t *testing.T, o testbed.ComponentOptions) *stage {
	t.Helper()
	if o.Approve == nil {
		o.Approve = func(_, subscriber string) bool { return subscriber == component }
	}
	fake, err := testbed.NewComponentServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{T: t, fake: fake}
	s.redis, s.store = storeOf(t)
	ctx, cancel := context.WithCancel(context.Background())
	var collect sync.WaitGroup
	collect.Go(func() {
		for l, err := fake.Next(ctx); err == nil; l, err = fake.Next(ctx) {
			s.mu.Lock()
			s.links = append(s.links, l)
			s.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = fake.Close()
		cancel()
		collect.Wait()
	})
	return s
}

// settings is the smallest configuration for the scripted server with config
// laid over it.
func (s *stage) settings(config map[string]any) map[string]any {
	return lay(config, lay(map[string]any{"store": s.store}, testbed.ConfigForFake(s.fake)))
}

// run starts the daemon for the duration of the test; with wait it is ready.
func (s *stage) run(config map[string]any, wait bool) {
	s.Helper()
	s.d = testbed.RunDaemon(s.T, testbed.DaemonOptions{Config: s.settings(config), NoWait: !wait})
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// eventually polls a condition, which says in words what is still wrong.
func (s *stage) eventually(limit time.Duration, what string, wrong func() string) {
	s.Helper()
	deadline := time.Now().Add(limit)
	for {
		still := wrong()
		if still == "" {
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("%s: not within %v: %s\n%s", what, limit, still, s.d.LogTail())
		}
		time.Sleep(10 * time.Millisecond) // the pause of a poll
	}
}

// link returns the n-th link there has been, from 1, waiting for it.
func (s *stage) link(n int, limit time.Duration) *testbed.Link {
	s.Helper()
	s.eventually(limit, fmt.Sprintf("link %d", n), func() string {
		if got := len(s.all()); got < n {
			return fmt.Sprintf("%d links so far", got)
		}
		return ""
	})
	return s.all()[n-1]
}

func (s *stage) all() []*testbed.Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.links)
}

// last is the living link, or the one that lived last.
func (s *stage) last() *testbed.Link {
	s.Helper()
	links := s.all()
	if len(links) == 0 {
		s.Fatal("no component has attached")
	}
	return links[len(links)-1]
}

// within bounds one exchange with the component.
func (s *stage) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.Context(), 20*time.Second)
}

// form executes a command for a user in one step; the answer is returned
// whether or not the command was refused.
func (s *stage) form(l *testbed.Link, user, node string, fields ...string) (testbed.Stanza, error) {
	var x strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&x, "<field var='%s'><value>%s</value></field>", fields[i], testbed.Escape(fields[i+1]))
	}
	data := ""
	if len(fields) > 0 {
		data = "<x xmlns='jabber:x:data' type='submit'>" + x.String() + "</x>"
	}
	ctx, cancel := s.within()
	defer cancel()
	return l.IQ(ctx, "set", user+"@"+host+"/desk", component,
		"<command xmlns='http://jabber.org/protocol/commands' node='"+node+"' action='execute'>"+data+"</command>")
}

// done reports whether a command's answer says that it was carried out.
func done(st testbed.Stanza, err error) bool {
	if err != nil || len(st.Root.Children) == 0 {
		return false
	}
	command := st.Root.Children[0]
	for _, c := range command.Children {
		if c.Name.Local == "note" && c.Attr("type") == "error" {
			return false
		}
	}
	return command.Attr("status") == "completed"
}

// order has a user carry out a command and fails the test when it is refused.
func (s *stage) order(user, node string, fields ...string) {
	s.Helper()
	if st, err := s.form(s.last(), user, node, fields...); !done(st, err) {
		s.Fatalf("%s of %s: %v %s\n%s", node, user, err, st.Raw, s.d.LogTail())
	}
}

// enable registers users with the component, all at once.
func (s *stage) enable(users ...string) {
	s.Helper()
	var work sync.WaitGroup
	for _, user := range users {
		work.Go(func() {
			ctx, cancel := s.within()
			defer cancel()
			if _, err := s.last().IQ(ctx, "set", user+"@"+host+"/desk", component, "<query xmlns='jabber:iq:register'/>"); err != nil {
				s.Errorf("enable %s: %v\n%s", user, err, s.d.LogTail())
			}
		})
	}
	work.Wait()
	if s.Failed() {
		s.FailNow()
	}
}

// subscribe has watchers (bare JIDs) subscribe to a user's mirror.
func (s *stage) subscribe(user string, watchers ...string) {
	s.Helper()
	var all strings.Builder
	for _, w := range watchers {
		fmt.Fprintf(&all, "<presence type='subscribe' from='%s' to='%s'/>", w, mirrorOf(user))
	}
	s.must(s.last().Send(all.String()))
}

// story lists what a watcher has been shown of a user's mirror on all links,
// the text after a bar.
func (s *stage) story(watcher, user string) []string {
	var out []string
	for _, l := range s.all() {
		for _, st := range l.Log() {
			if st.Kind == "presence" && testbed.Bare(st.To) == watcher && st.From == mirrorOf(user) && (st.Type == "" || st.Type == "unavailable") {
				out = append(out, line(st))
			}
		}
	}
	return out
}

func line(st testbed.Stanza) string {
	if st.Status == "" || st.Type == "unavailable" {
		return look(st)
	}
	return look(st) + " | " + st.Status
}

// sees waits until the last thing a watcher was shown of a user is want.
func (s *stage) sees(watcher, user, want string, limit time.Duration) {
	s.Helper()
	s.eventually(limit, fmt.Sprintf("%s sees %q of %s", watcher, want, user), func() string {
		all := s.story(watcher, user)
		if len(all) > 0 && all[len(all)-1] == want {
			return ""
		}
		return fmt.Sprintf("shown %q", all)
	})
}

// neverAgain fails when a watcher was shown a user's mirror as anything but
// offline after the first n times something was shown.
func (s *stage) neverAgain(watcher, user string, n int) {
	s.Helper()
	for _, one := range s.story(watcher, user)[n:] {
		if one != "offline" {
			s.Errorf("%s, who is blocked, was shown %q of %s", watcher, one, user)
		}
	}
}

// readyz waits until /readyz tells this status, with a reason of that name
// unless it is empty; the code must fit.
func (s *stage) readyz(status, reason string, limit time.Duration) {
	s.Helper()
	s.eventually(limit, "/readyz "+status+" "+reason, func() string {
		code, body, err := s.d.Readiness(s.Context())
		if err != nil {
			return err.Error()
		}
		var got struct {
			Status  string
			Reasons []struct{ Name, Since, Remedy string }
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			return err.Error()
		}
		wantCode := http.StatusOK
		if status == "unready" {
			wantCode = http.StatusServiceUnavailable
		}
		ok := got.Status == status && code == wantCode && (reason != "" || len(got.Reasons) == 0)
		for _, r := range got.Reasons {
			if r.Name == reason && r.Since != "" && r.Remedy != "" {
				reason = ""
			}
		}
		if !ok || reason != "" {
			return fmt.Sprintf("%d %s", code, body)
		}
		return ""
	})
}

// metric is the value of one time series, with its labels as they are printed;
// 0 if there is none.
func (s *stage) metric(name string) float64 {
	s.Helper()
	all, err := s.d.Metrics(s.Context())
	s.must(err)
	return series(s.T, all, name)
}

func series(t *testing.T, all, name string) float64 {
	t.Helper()
	for l := range strings.Lines(all) {
		if rest, ok := strings.CutPrefix(l, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatalf("metric %s: %v", name, err)
			}
			return v
		}
	}
	return 0
}

// losses is the number of links lost and attempts failed, for all reasons.
func (s *stage) losses() (sum float64) {
	s.Helper()
	all, err := s.d.Metrics(s.Context())
	s.must(err)
	for l := range strings.Lines(all) {
		if strings.HasPrefix(l, "presenced_link_losses_total{") {
			sum += series(s.T, l, strings.Fields(l)[0])
		}
	}
	return sum
}

// says waits for a text in the daemon's log.
func (s *stage) says(text string, limit time.Duration) {
	s.Helper()
	s.eventually(limit, "the log tells "+strconv.Quote(text), func() string {
		all, err := s.d.Log()
		s.must(err)
		if strings.Contains(all, text) {
			return ""
		}
		return "it does not"
	})
}
