package daemon

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"presenced/config"
	"presenced/internal/presence"
	fakes "presenced/internal/testbed/calendars"
)

// mail is alice's address in the operator's directory.
const mail = "Alice.Adams@corp.example"

// office are servers of each kind that know alice under that address.
type office struct {
	exchange, other *fakes.Exchange
	graph           *fakes.Graph
	google          *fakes.Google
	dir             string // of the directory, keys and authorities
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{dir: t.TempDir()}
	var errs [4]error
	o.exchange, errs[0] = fakes.NewExchange(fakes.Options{TLS: true})
	o.other, errs[1] = fakes.NewExchange(fakes.Options{})
	o.graph, errs[2] = fakes.NewGraph(fakes.Options{})
	o.google, errs[3] = fakes.NewGoogle(fakes.Options{})
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(){o.exchange.Close, o.other.Close, o.graph.Close, o.google.Close} {
		t.Cleanup(end)
	}
	now := time.Now()
	box := fakes.Mailbox{
		Events: []fakes.Event{{Start: now.Add(-time.Hour), End: now.Add(time.Hour), Kind: "busy", Subject: "Budget"}},
		Reply:  &fakes.Reply{Start: now.Add(-time.Hour), End: now.Add(time.Hour), Internal: "<p>Ask Bob</p>"},
	}
	o.exchange.Put(mail, box)
	o.other.Put(mail, box)
	o.graph.Put(mail, box)
	o.google.Put(mail, box)
	key, err := o.google.KeyFile()
	if err != nil {
		t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.exchange.Certificate().Raw})
	for name, data := range map[string][]byte{"key.json": key, "ca.pem": ca, "people.csv": []byte("jid,email\n" + alice + "," + mail + "\n")} {
		if err := os.WriteFile(filepath.Join(o.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// first is the configuration with one server, all of that with each kind.
func (o *office) first() string {
	return fmt.Sprintf("[directory]\nfile = %q\n%s", o.dir+"/people.csv", o.ofExchange("exchange", o.exchange, "ca_file = \""+o.dir+"/ca.pem\"\nautomatic_replies = \"note\""))
}

func (o *office) ofExchange(name string, e *fakes.Exchange, more string) string {
	return fmt.Sprintf("[[calendar.sources]]\nname = %q\nkind = \"ews\"\nauth = \"basic\"\nurl = %q\nusername = %q\npassword = %q\n%s\n",
		name, e.URL+"/EWS/Exchange.asmx", e.Username, e.Password, more)
}

func (o *office) clouds() string {
	return fmt.Sprintf("[[calendar.sources]]\nname = \"graph\"\nkind = \"graph\"\nurl = %q\nlogin_url = %q\ntenant = %q\nusername = %q\npassword = %q\n"+
		"[[calendar.sources]]\nname = \"google\"\nkind = \"google\"\nurl = %q\nkey_file = %q\n",
		o.graph.URL, o.graph.URL, o.graph.Tenant, o.graph.ClientID, o.graph.Secret, o.google.URL, o.dir+"/key.json")
}

// asked are the servers that were asked for a calendar at least so often.
func (o *office) asked(exchange, other, graph, google int) func() bool {
	return func() bool {
		return len(o.exchange.Batches()) >= exchange && len(o.other.Batches()) >= other &&
			len(o.graph.Batches()) >= graph && len(o.google.Batches()) >= google
	}
}

// with is a configuration of the world's with other calendars.
func (w *world) with(text string) *config.Config {
	w.t.Helper()
	next := *w.config
	from := loaded(w.t, text)
	next.Calendar, next.Directory = from.Calendar, from.Directory
	return &next
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for limit := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			w.t.Fatalf("never: %s", what)
		}
	}
}

// openOffice starts a daemon that was told of alice by the first server.
func openOffice(t *testing.T) (*office, *world) {
	t.Helper()
	o := newOffice(t)
	w := build(t, o.first())
	l := w.link()
	w.ready()
	w.showAliceToBob(l)
	w.eventually("Exchange is asked", o.asked(1, 0, 0, 0))
	w.eventuallySees(presence.FieldNoteOOF, "Ask Bob")
	return o, w
}

// TestReload_ServersComeAndGoWithoutARestart: Exchange, Microsoft 365 and Google,
// for one who is there under her address in the directory. What Exchange answers
// for her is her out-of-office with its note (S5.5, S6.1).
func TestReload_ServersComeAndGoWithoutARestart(t *testing.T) {
	o, w := openOffice(t)

	if err := w.Reload(w.with(o.first() + o.ofExchange("other", o.other, "") + o.clouds())); err != nil {
		t.Fatal(err)
	}
	w.eventually("the servers that came are asked", o.asked(1, 1, 1, 1))
	if n := len(o.exchange.Batches()); n != 1 {
		t.Errorf("the one that stayed was asked %d times, want once", n)
	}

	bad := w.with(o.first() + o.ofExchange("other", o.other, ""))
	bad.Calendar.Sources[1].CAFile = o.dir + "/people.csv"
	err := w.Reload(bad)
	if setup, ok := errors.AsType[*SetupError](err); !ok || setup.Remedy == "" || !strings.Contains(err.Error(), "calendar.sources[1]: ca_file") {
		t.Errorf("authorities that are none: %v, want a SetupError that names them", err)
	}

	if err := w.Reload(w.with("[directory]\nfile = \"" + o.dir + "/people.csv\"\n" + o.ofExchange("other", o.other, ""))); err != nil {
		t.Fatal(err)
	}
	w.eventuallySees(presence.FieldNoteOOF, "")
	if got := w.status().Calendars; len(got) != 1 || got[0].Name != "other" {
		t.Errorf("read are %+v, want the other server only", got)
	}
}

// TestNotices_AMeetingIsReadSoon: Microsoft asks whether we are there before it takes
// a subscription, and tells of a change; what it says then is read, not believed.
func TestNotices_AMeetingIsReadSoon(t *testing.T) {
	o := newOffice(t)
	o.graph.Put(mail, fakes.Mailbox{})
	addr := freePort(t)
	w := build(t, "")
	w.link()
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := w.with("[directory]\nfile = \"" + o.dir + "/people.csv\"\n" + o.clouds())
	next.Calendar.Sources[0].Notify = "http://" + addr + "/v1/notices/graph" // https in real life
	next.HTTP.Listen = addr
	w.config = next
	w.start()
	l := w.link()
	w.ready()
	w.showAliceToBob(l)
	w.eventually("Microsoft is asked to tell of changes", func() bool { return len(o.graph.Subscriptions()) == 1 })
	w.eventually("the first reading is over", func() bool {
		return !w.status().Calendars[1].ReadAt.IsZero() && w.status().Calendars[1].ReadAt.Year() > 1
	})
	read := len(o.graph.Batches())

	now := time.Now()
	o.graph.Put(mail, fakes.Mailbox{Events: []fakes.Event{{Start: now.Add(-time.Minute), End: now.Add(time.Hour), Kind: "busy"}}})
	if got := o.graph.Tell(t.Context(), mail, ""); !slices.Equal(got, []int{202}) {
		t.Fatalf("a notice is answered %v, want 202", got)
	}
	w.eventually("the calendar is read again", func() bool { return len(o.graph.Batches()) > read })
	w.eventually("the meeting is known", func() bool { return strings.HasPrefix(w.seenByHerself(presence.FieldFreeBusy), "busy") })
}

// TestReload_ASourceThatMovedIsReadAtOnce, whatever is known from where it was.
func TestReload_ASourceThatMovedIsReadAtOnce(t *testing.T) {
	o, w := openOffice(t)
	moved := "[directory]\nfile = \"" + o.dir + "/people.csv\"\n" + o.ofExchange("exchange", o.other, "automatic_replies = \"note\"")
	if err := w.Reload(w.with(moved)); err != nil {
		t.Fatal(err)
	}
	w.eventually("where it is now is asked", o.asked(1, 1, 0, 0))
}
