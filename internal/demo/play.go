package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"presenced/internal/testbed"
)

// converge is how long the watchers may take to see what they should.
const converge = 10 * time.Second

// limits of one action and of the barrier behind it.
const (
	actLimit    = 60 * time.Second // a start of the daemon on a busy machine
	settleLimit = 20 * time.Second
)

// nsCommands and nsEnhanced are what the demo speaks to the component.
const (
	nsCommands = "http://jabber.org/protocol/commands"
	nsForms    = "jabber:x:data"
	nsEnhanced = "urn:presenced:1"
)

// play carries out one step, waits until everybody sees what she should, makes
// sure that nothing else comes, and prints the line.
func (s *stage) play(ctx context.Context, t *table, st *step) error {
	before, marks := s.looks(), s.marks()
	acting, cancel := context.WithTimeoutCause(ctx, actLimit, fmt.Errorf("not done within %v", actLimit))
	defer cancel()
	if err := st.act(acting, s); err != nil {
		return fmt.Errorf("%s: %w", st.event, err)
	}
	s.await(ctx, st.want)
	err := s.settle(ctx)
	t.row(time.Now(), st.event, s.cells(marks))
	return errors.Join(s.verify(st, before, marks), err)
}

// await returns when all cells are as wanted, at the deadline at the latest.
func (s *stage) await(ctx context.Context, want [len(columns)]look) {
	deadline := time.NewTimer(converge)
	defer deadline.Stop()
	for s.looks() != want {
		select {
		case <-s.news:
		case <-deadline.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// settle is a barrier: Alice's devices have been heard, then every watcher
// asks for Alice by our query, which takes the same way through the daemon as
// her changes do, and at last everybody has received what was sent.
func (s *stage) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleLimit, fmt.Errorf("no answer within %v", settleLimit))
	defer cancel()
	for _, c := range s.devices() {
		if err := c.Ping(ctx, component); err != nil {
			return err
		}
	}
	clients := make([]*testbed.Client, 0, len(s.watchers))
	for _, w := range s.watchers {
		clients = append(clients, w.client)
		if err := w.ask(ctx); err != nil {
			return err
		}
	}
	return testbed.Barrier(ctx, component, clients...)
}

// ask queries the mirror and keeps the answer.
func (w *watcher) ask(ctx context.Context) (err error) {
	w.answer, err = w.client.IQ(ctx, "get", mirror, "<query xmlns='"+nsEnhanced+"'/>")
	if err != nil {
		return fmt.Errorf("%s queries %s: %w", w.name, mirror, err)
	}
	return nil
}

// told is the number in the last answer, 0 without one.
func (w *watcher) told() int {
	p, _ := w.answer.Root.Find(nsEnhanced, "presence")
	n, _ := strconv.Atoi(p.Attr("availability")) // nothing equals 0
	return n
}

// verify compares what everybody sees, and how often it was sent, with the
// step. The error shows each wrong cell with its stanzas.
func (s *stage) verify(st *step, before [len(columns)]look, marks [len(columns)]int) error {
	var errs []error
	for i, w := range s.watchers {
		came := w.since(marks[i])
		errs = append(errs, judge(w.name, st, before[i], st.want[i], w.sees(), came))
		if want := st.want[i].queried(); w.told() != want {
			errs = append(errs, fmt.Errorf("%s asked after %q and was told otherwise\n    want  availability %d\n    got   %s",
				w.name, st.event, want, w.answer.Raw))
		}
	}
	return errors.Join(errs...)
}

// judge is verify for one watcher.
func judge(name string, st *step, before, want, got look, came []testbed.Stanza) error {
	least, most := 0, 0
	if before != want {
		least, most = 1, 1
	}
	if st.crash { // see step
		least, most = 0, most+1
	}
	if got == want && least <= len(came) && len(came) <= most {
		return nil
	}
	var b strings.Builder
	if got != want {
		fmt.Fprintf(&b, "%s sees the wrong thing after %q\n    want  %v\n    got   %v\n", name, st.event, want, got)
	} else {
		fmt.Fprintf(&b, "%s was sent %d presences after %q, want %d to %d\n", name, len(came), st.event, least, most)
	}
	b.WriteString("    received since the event:")
	for _, p := range came {
		b.WriteString("\n      " + p.Raw)
	}
	if len(came) == 0 {
		b.WriteString(" nothing")
	}
	return errors.New(b.String())
}

// String is the look with what stands behind the words.
func (l look) String() string {
	s := l.text
	if l.availability != 0 {
		s += " (" + strings.TrimSpace(strconv.Itoa(l.availability)+" "+l.activity) + ")"
	}
	return s
}

func (s *stage) marks() (n [len(columns)]int) {
	for i, w := range s.watchers {
		n[i] = w.count()
	}
	return n
}

func (s *stage) looks() (l [len(columns)]look) {
	for i, w := range s.watchers {
		l[i] = w.sees()
	}
	return l
}

// cells is the line of the table: fresh is what came after the marks.
func (s *stage) cells(marks [len(columns)]int) (c [len(columns)]cell) {
	for i, w := range s.watchers {
		c[i] = cell{text: w.sees().text, fresh: w.count() > marks[i]}
	}
	return c
}

// command has Alice run an ad-hoc command (XEP-0050) with a filled-in form,
// name and value of its fields in turn. It returns the note it ended with.
func (s *stage) command(ctx context.Context, node string, fields ...string) (string, error) {
	var form strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&form, "<field var='%s'><value>%s</value></field>", fields[i], testbed.Escape(fields[i+1]))
	}
	reply, err := s.settings.IQ(ctx, "set", component, fmt.Sprintf(
		"<command xmlns='%s' node='%s' action='execute'><x xmlns='%s' type='submit'>%s</x></command>",
		nsCommands, node, nsForms, form.String()))
	if err != nil {
		return "", fmt.Errorf("command %s: %w", node, err)
	}
	done, _ := reply.Root.Find(nsCommands, "command")
	note, _ := done.Find(nsCommands, "note")
	if done.Attr("status") != "completed" || note.Attr("type") == "error" {
		return "", fmt.Errorf("command %s did not do it: %s", node, reply.Raw)
	}
	return note.Text, nil
}
