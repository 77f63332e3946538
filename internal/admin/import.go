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
	JID      string          `json:"jid"` // empty: the line could not be read
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
	list := ImportedList{make([]Imported, len(lines))}
	first := make(map[presence.Addr]bool, len(lines))
	var work sync.WaitGroup
	for i, line := range lines {
		out := &list.Users[i]
		user, docs, err := readLine(line)
		out.JID = user.Bare
		if err == nil && first[user.Addr] {
			err = problem(http.StatusBadRequest, user.Bare+" is named twice; take one of the lines out")
		}
		if err != nil {
			s.note(out, err)
			continue
		}
		first[user.Addr] = true
		work.Go(func() {
			s.importUser(r.Context(), out, user, engine.Import{Docs: docs, Replace: o.Replace, Check: o.DryRun})
		})
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

func (s *Server) importUser(ctx context.Context, out *Imported, user presence.JID, c engine.Import) {
	result, err := s.o.Door.Apply(ctx, operator, user, c)
	if err != nil {
		s.note(out, err)
		return
	}
	out.Imported, out.Advice = true, result.Advice
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

// readLine reads one user's line.
func readLine(line []byte) (user presence.JID, docs map[string][]byte, err error) {
	var u ExportedUser
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&u); err != nil {
		return user, nil, problem(http.StatusBadRequest, "the line cannot be read ("+err.Error()+"); export the user again")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return user, nil, problem(http.StatusBadRequest, "the line goes on after the user; put each on a line of her own")
	}
	if user, err = address("jid", u.JID); err != nil {
		return user, nil, err
	}
	docs = make(map[string][]byte, len(u.Settings))
	for name, doc := range u.Settings {
		docs[name] = doc
	}
	return user, docs, nil
}
