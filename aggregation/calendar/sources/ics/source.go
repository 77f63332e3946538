package ics

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

// Options say how addresses are read.
type Options struct {
	// Client asks for URLs. It is needed for them, and not closed here.
	Client *outbound.Client
	// Username and Password are for mailboxes without; empty: none.
	Username, Password string
	// Files lets addresses lead to files of this machine: the operator's only.
	Files bool
	// Personal: users gave the addresses, each for herself. Then a server's
	// failure is that mailbox's.
	Personal bool
}

// Source reads iCalendar files and URLs.
type Source struct {
	o      Options
	reader sources.Reader
	slots  chan struct{} // a token per file that is being read
	read   func(path string, was stamp) (file, error)
}

var _ sources.Source = (*Source)(nil)

// New returns a source.
func New(o Options) *Source {
	return &Source{o: o, slots: make(chan struct{}, maxReads), read: readFile}
}

// Batch is 1: each mailbox is a file or a URL of its own.
func (s *Source) Batch() int { return 1 }

// state is what is kept of an answer, as JSON of at most 1 KiB.
type state struct {
	Mailbox  string    `json:"m"` // the mailbox's fingerprint
	Reach    time.Time `json:"r"` // the end of the window the schedule covers
	Hash     string    `json:"h"` // of the text
	ETag     string    `json:"e,omitempty"`
	Modified string    `json:"l,omitempty"` // Last-Modified
	Stamp    stamp     `json:"s,omitzero"`  // of a file
}

// Longer validators are not kept; the hash then says whether something changed.
const (
	maxState    = 1 << 10
	maxETag     = 256
	maxModified = 64
)

// Fetch reads one mailbox's calendar.
func (s *Source) Fetch(ctx context.Context, w sources.Window, boxes []sources.Mailbox) ([]sources.Result, error) {
	results := make([]sources.Result, len(boxes))
	for i := range boxes {
		results[i] = s.fetch(ctx, w, &boxes[i])
		err := results[i].Err
		if errors.Is(err, context.Canceled) || !s.o.Personal && sources.ServerFault(err) {
			return nil, err
		}
	}
	return results, nil
}

func (s *Source) fetch(ctx context.Context, w sources.Window, box *sources.Mailbox) sources.Result {
	address, err := sources.Expand(box.Address, box.User)
	if err != nil {
		return sources.Result{Err: err}
	}
	next := state{Mailbox: box.Fingerprint(), Reach: w.To}
	kept := keptOf(box.State, next.Mailbox, w)
	get := s.url
	if path, ok, err := pathOf(address); err != nil {
		return sources.Result{Err: err}
	} else if ok {
		get, address = s.file, path
	}
	text, where, err := get(ctx, address, box, kept, &next)
	if err != nil {
		return sources.Result{Err: err}
	}
	if kept.Hash != "" && (text == nil || next.Hash == kept.Hash) {
		next.Hash, next.Reach = kept.Hash, kept.Reach
		return sources.Result{Unchanged: true, State: next.bytes()}
	}
	schedule, err := s.reader.Read(where, text, w, box)
	if err != nil {
		return sources.Result{Err: err}
	}
	return sources.Result{Schedule: schedule, State: next.bytes()}
}

// keptOf returns what the Result before left, the zero state if it does not
// count any more.
func keptOf(raw []byte, mailbox string, w sources.Window) state {
	var kept state
	if len(raw) == 0 || json.Unmarshal(raw, &kept) != nil || kept.Mailbox != mailbox || !w.Holds(kept.Reach) {
		return state{}
	}
	return kept
}

func (s *state) bytes() []byte {
	raw, err := json.Marshal(s)
	if err != nil || len(raw) > maxState { // nothing is lost but the next condition
		return nil
	}
	return raw
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// url asks for a URL. A nil text means that it did not change.
func (s *Source) url(ctx context.Context, address string, box *sources.Mailbox, kept state, next *state) (text []byte, where string, err error) {
	r := outbound.Request{
		URL: secured(address), Username: box.Username, Password: box.Password,
		Header: http.Header{"Accept": {"text/calendar, text/plain;q=0.5, */*;q=0.1"}},
	}
	if r.Username == "" && !s.o.Personal {
		r.Username, r.Password = s.o.Username, s.o.Password
	}
	if kept.ETag != "" {
		r.Header.Set("If-None-Match", kept.ETag)
	}
	if kept.Modified != "" {
		r.Header.Set("If-Modified-Since", kept.Modified)
	}
	resp, err := s.o.Client.Do(ctx, r)
	if err != nil {
		return nil, "", err
	}
	if resp.Status == http.StatusNotModified {
		next.ETag, next.Modified = kept.ETag, kept.Modified
		return nil, resp.Host(), nil
	}
	next.Hash = hashOf(resp.Body)
	if tag := resp.Header.Get("Etag"); len(tag) <= maxETag {
		next.ETag = tag
	}
	if date := resp.Header.Get("Last-Modified"); len(date) <= maxModified {
		next.Modified = date
	}
	return resp.Body, resp.Host(), nil
}

// secured makes https of webcal, which is only a hint to open a calendar program.
func secured(address string) string {
	for _, scheme := range []string{"webcal:", "webcals:"} {
		if len(address) > len(scheme) && strings.EqualFold(address[:len(scheme)], scheme) {
			return "https:" + address[len(scheme):]
		}
	}
	return address
}
