package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// ExportVersion is the version of the format of exports.
const ExportVersion = 1

// Bounds of one request to import; Client.Import keeps them.
const (
	MaxImportUsers = 256     // lines after the header
	MaxImportBody  = 8 << 20 // bytes
)

const importPath = "/v1/admin/import"

// ExportHeader is the first line of an export.
type ExportHeader struct {
	Version  int       `json:"presenced_export"`
	Domain   string    `json:"domain"` // of the component that wrote it
	Exported time.Time `json:"exported"`
}

// ExportedUser is one further line: settings only, no presence. With a group in
// place of the JID, or without settings, it only tells what is granted.
type ExportedUser struct {
	Group    string                     `json:"group,omitempty"`
	JID      string                     `json:"jid,omitempty"`
	Settings map[string]json.RawMessage `json:"settings,omitempty"` // document by name
	Policies []string                   `json:"policies,omitempty"` // granted to her
}

// ParseHeader reads the first line of an export. The error says what to do.
func ParseHeader(line []byte) (h ExportHeader, err error) {
	switch err := json.Unmarshal(line, &h); {
	case err != nil || h.Version < 1:
		return h, errors.New("the first line is not the header of an export; give a file that \"presenced user export\" wrote, from its beginning")
	case h.Version > ExportVersion:
		return h, fmt.Errorf("a newer presenced wrote this export (format %d, this one reads %d); import it with that one", h.Version, ExportVersion)
	}
	return h, nil
}

// lineOf renders one user's line. Equal settings and grants give equal bytes.
func lineOf(u *engine.Saved, granted *granted) ([]byte, error) {
	a, err := presence.AddrFromKey(u.User)
	if err != nil {
		return nil, err
	}
	line := ExportedUser{JID: a.String(), Settings: make(map[string]json.RawMessage, len(u.Docs))}
	for name, doc := range u.Docs {
		line.Settings[name] = doc
	}
	line.Policies = granted.take(line.JID)
	return line.text()
}

func (l *ExportedUser) text() ([]byte, error) {
	text, err := json.Marshal(l)
	return append(text, '\n'), err
}

// getExport streams the settings of everybody, or of those named by "user". It
// takes as long as its reader goes on reading; an export that breaks off ends
// the connection without the end of the body.
func (s *Server) getExport(w http.ResponseWriter, r *http.Request) {
	out := &patient{w: w, control: http.NewResponseController(w)}
	buffer := bufio.NewWriterSize(out, 64<<10)
	say := func(line []byte, err error) error {
		if err == nil {
			_, err = buffer.Write(line)
		}
		return err
	}
	header, err := json.Marshal(ExportHeader{Version: ExportVersion, Domain: s.o.Status().Domain, Exported: time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		_, err = buffer.Write(append(header, '\n'))
	}
	if err == nil {
		err = s.export(r, say)
	}
	if err == nil {
		err = buffer.Flush()
	}
	switch {
	case err == nil:
	case out.begun:
		s.o.Log.Debug("administration: an export broke off", "error", err)
		panic(http.ErrAbortHandler)
	default:
		s.refuse(w, r, err)
	}
}

// export says a line for each user asked for, or for everybody and what else is
// granted.
func (s *Server) export(r *http.Request, say func([]byte, error) error) error {
	granted, err := s.granted(r.Context())
	if err != nil {
		return err
	}
	users := r.URL.Query()["user"]
	if len(users) == 0 {
		s.tell(r.Context(), engine.Deed{What: "export"}, nil)
		return s.exportAll(context.WithoutCancel(r.Context()), granted, say) // its writes have deadlines
	}
	for _, name := range users {
		user, err := userAddress("user", name)
		if err != nil {
			return err
		}
		found, err := s.o.Door.ExportUser(r.Context(), user.Addr)
		s.tell(r.Context(), engine.Deed{What: "export", User: user.Addr}, err)
		if err != nil {
			return err
		}
		if err := say(lineOf(&found, granted)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) exportAll(ctx context.Context, granted *granted, say func([]byte, error) error) error {
	if err := granted.say(granted.groups, true, say); err != nil {
		return err
	}
	err := s.o.Door.Export(ctx, func(u engine.Saved) error {
		if engine.Reserved(u.User) {
			return nil // granted tells these
		}
		return say(lineOf(&u, granted))
	})
	if err != nil {
		return err
	}
	return granted.say(granted.users, false, say)
}

// patient gives each write of a long answer its own deadline.
type patient struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

// Write begins the answer and goes on with it.
func (p *patient) Write(b []byte) (int, error) {
	if !p.begun {
		p.begun = true
		p.w.Header().Set("Content-Type", "application/x-ndjson")
		p.w.Header().Set("Cache-Control", "no-store")
	}
	if err := p.control.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
		return 0, err
	}
	return p.w.Write(b)
}

// Export calls each with every line of an export, without its end, the header
// first: of everybody, or of the one user named. The line is only valid during
// the call. It takes as long as lines come.
func (c *Client) Export(ctx context.Context, user string, each func(line []byte) error) error {
	query := url.Values{}
	if user != "" {
		query.Set("user", user)
	}
	return c.lines(ctx, "export", query, each)
}

// lines calls each with every line of a long answer, without its end.
func (c *Client) lines(ctx context.Context, path string, query url.Values, each func(line []byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(clientTime, cancel)
	defer watch.Stop()
	resp, err := c.request(ctx, c.stream, http.MethodGet, path, query, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxAnswer)
	for lines.Scan() {
		watch.Reset(clientTime)
		if err := each(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("admin socket %s: the answer broke off (%w); try again, and see the daemon's log", c.socket, err)
	}
	return nil
}

// ImportOptions say what an import may do.
type ImportOptions struct {
	Replace bool // put settings in place of others
	DryRun  bool // change nothing
}

// Import hands the lines of users to the daemon, at most MaxImportUsers, and
// returns what became of each, in their order. All lines and the header together
// have at most MaxImportBody bytes.
func (c *Client) Import(ctx context.Context, header []byte, lines [][]byte, o ImportOptions) ([]Imported, error) {
	body := append(bytes.Join(append([][]byte{header}, lines...), []byte("\n")), '\n')
	query := url.Values{}
	if o.Replace {
		query.Set("replace", "true")
	}
	if o.DryRun {
		query.Set("dry_run", "true")
	}
	var list ImportedList
	if err := c.send(ctx, http.MethodPost, "import", query, bytes.NewReader(body), &list); err != nil {
		return nil, err
	}
	if len(list.Users) != len(lines) {
		return nil, fmt.Errorf("admin socket %s: %d answers to %d users; is the daemon of another version?", c.socket, len(list.Users), len(lines))
	}
	return list.Users, nil
}

var _ io.Writer = (*patient)(nil)
