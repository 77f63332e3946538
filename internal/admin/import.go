package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// Imported tells what became of one line of an import.
type Imported struct {
	JID      string          `json:"jid"` // empty: the line is about a group, or could not be read
	Group    string          `json:"group,omitempty"`
	Imported bool            `json:"imported"`
	Problem  string          `json:"problem,omitempty"` // why not, and what to do
	Field    string          `json:"field,omitempty"`   // the document at fault
	Advice   []engine.Advice `json:"advice,omitempty"`
}

// ImportedList is the answer to an import, in the order of the lines.
type ImportedList struct {
	Users []Imported `json:"users"`
}

// postImport takes a small export: the header, then at most MaxImportUsers
// lines. Each user's settings are in force, or refused, by themselves.
func (s *Server) postImport(w http.ResponseWriter, r *http.Request) {
	o, err := importOptions(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	lines, err := s.importLines(r.Body)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	policies, err := s.o.Door.Policies(r.Context(), operatorOf(r.Context()))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	list := ImportedList{make([]Imported, len(lines))}
	first := make(map[presence.Addr]bool, len(lines))
	var work sync.WaitGroup
	for i, line := range lines {
		out := &list.Users[i]
		u, err := readLine(line)
		out.JID, out.Group = u.user.Bare, u.Group
		if err == nil && first[u.user.Addr] {
			err = problem(http.StatusBadRequest, u.user.Bare+" is named twice; take one of the lines out")
		}
		if err != nil {
			s.note(out, err)
			continue
		}
		first[u.user.Addr] = u.Group == ""
		work.Go(func() { s.importUser(r.Context(), out, u, &policies, o) })
	}
	work.Wait() // for the disk, together: one sync serves many
	imported := 0
	for i := range list.Users {
		if list.Users[i].Imported {
			imported++
		}
	}
	s.o.Log.Info("administration: users imported", "imported", imported, "refused", len(lines)-imported, "dry_run", o.DryRun)
	write(w, list)
}

// importUser puts one line in force. What is granted comes first: settings without
// their ceiling would show too much.
func (s *Server) importUser(ctx context.Context, out *Imported, u importedUser, policies *engine.PolicyList, o ImportOptions) {
	change := engine.Import{Docs: u.docs, Replace: o.Replace, Check: true}
	apply := func() bool {
		result, err := s.o.Door.Apply(ctx, operatorOf(ctx), u.user, change)
		if err != nil {
			s.note(out, err)
			return false
		}
		out.Advice = result.Advice
		return true
	}
	settings := u.docs != nil
	if settings && (o.DryRun || len(u.Policies) > 0) && !apply() {
		return
	}
	if err := s.grantAll(ctx, policies, engine.PolicyGrant{User: u.user, Group: u.Group}, u.Policies, o.DryRun); err != nil {
		s.note(out, err)
		return
	}
	change.Check = false
	if settings && !o.DryRun && !apply() {
		return
	}
	out.Imported = true
}

// note tells a refusal of one user; of a fault only that there was one.
func (s *Server) note(out *Imported, err error) {
	if refused, ok := errors.AsType[*engine.RefusedError](err); ok {
		out.Problem, out.Field = refused.Reason, refused.Field
		return
	}
	if p, ok := errors.AsType[*ProblemError](err); ok {
		out.Problem = p.Detail
		return
	}
	s.o.Log.Error("administration: a user could not be imported", "error", err)
	out.Problem = "something went wrong; the daemon's log says what"
}

func importOptions(r *http.Request) (o ImportOptions, err error) {
	for name, into := range map[string]*bool{"replace": &o.Replace, "dry_run": &o.DryRun} {
		v := r.URL.Query().Get(name)
		if v == "" {
			continue
		}
		if *into, err = strconv.ParseBool(v); err != nil {
			p := problem(http.StatusBadRequest, name+" is true or false")
			p.Field = name
			return o, p
		}
	}
	return o, nil
}

// importLines reads the users' lines of a request and checks its header.
func (s *Server) importLines(body io.Reader) ([][]byte, error) {
	text, err := io.ReadAll(body)
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, problem(http.StatusRequestEntityTooLarge, fmt.Sprintf(
			"more than %d MiB in one request; send fewer users at a time, as \"presenced user import\" does", MaxImportBody>>20))
	}
	if err != nil {
		return nil, problem(http.StatusBadRequest, "the request broke off; send it again")
	}
	head, rest, _ := bytes.Cut(text, []byte("\n"))
	h, err := ParseHeader(head)
	if err != nil {
		return nil, problem(http.StatusBadRequest, err.Error())
	}
	if own := s.o.Status().Domain; !sameDomain(h.Domain, own) {
		return nil, problem(http.StatusBadRequest, fmt.Sprintf(
			"this export is of the component %q, and this is %q; subscriptions cannot move to another domain, so give the component its old one", h.Domain, own))
	}
	var lines [][]byte
	for line := range bytes.Lines(rest) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
		if len(lines) > MaxImportUsers {
			return nil, problem(http.StatusRequestEntityTooLarge, fmt.Sprintf(
				"more than %d users in one request; send fewer at a time, as \"presenced user import\" does", MaxImportUsers))
		}
	}
	return lines, nil
}

func sameDomain(a, b string) bool {
	x, err := presence.ParseAddr(a)
	y, err2 := presence.ParseAddr(b)
	return err == nil && err2 == nil && x == y
}

// importedUser is one line of an import.
type importedUser struct {
	ExportedUser
	user presence.JID
	docs map[string][]byte // nil: only grants
}

// readLine reads one line: a user, or a group.
func readLine(line []byte) (u importedUser, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&u.ExportedUser); err != nil {
		return u, problem(http.StatusBadRequest, "the line cannot be read ("+err.Error()+"); export the user again")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return u, problem(http.StatusBadRequest, "the line goes on after the user; put each on a line of her own")
	}
	if u.Group != "" {
		if u.JID != "" || u.Settings != nil || len(u.Policies) == 0 {
			return u, problem(http.StatusBadRequest, "a group's line has policies and nothing else; export it again")
		}
		return u, nil
	}
	if u.user, err = userAddress("jid", u.JID); err != nil {
		return u, err
	}
	if u.Settings == nil && len(u.Policies) > 0 {
		return u, nil
	}
	u.docs = make(map[string][]byte, len(u.Settings))
	for name, doc := range u.Settings {
		u.docs[name] = doc
	}
	return u, nil
}
