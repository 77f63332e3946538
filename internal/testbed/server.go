package testbed

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"
)

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"lua": quote, "yaml": quote,
}).ParseFS(templateFiles, "templates/*.tmpl"))

// quote writes a string both Lua and YAML read back; names and secrets here
// are plain ASCII, for which Go, Lua and YAML agree on double quotes.
func quote(s string) string { return strconv.Quote(s) }

// Server is one running XMPP server. Its fields do not change after the
// start; ports stay the same over restarts.
type Server struct {
	Kind Kind
	Options
	// Domain is the first host.
	Domain string
	// C2SAddr and ComponentAddr are host:port on 127.0.0.1.
	C2SAddr, ComponentAddr string

	apiAddr  string // ejabberd's HTTP API
	logFiles []string
	product  product
	ownDir   bool

	service
}

// product is what differs between the servers.
type product interface {
	command(s *Server) *exec.Cmd
	seed(ctx context.Context, s *Server, accounts []Account) error
}

// configData is what the configuration templates see.
type configData struct {
	Options
	C2SPort, ComponentPort, APIPort int
	User, Pidfile, Data, Log        string
}

// newServer picks the directory and configures the server in it.
func newServer(kind Kind, p product, opts Options, configName string) (*Server, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{Kind: kind, Options: opts, Domain: opts.Hosts[0], product: p}
	s.name, s.start = string(kind), s.Start
	if s.Dir == "" {
		s.ownDir = true
		if s.Dir, err = os.MkdirTemp("", "testbed-"+string(kind)+"-"); err != nil {
			return nil, fmt.Errorf("testbed: server directory: %w", err)
		}
	}
	if s.Dir, err = filepath.Abs(s.Dir); err == nil {
		err = s.configure(configName)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// configure picks free ports and writes the configuration file.
func (s *Server) configure(configName string) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	s.C2SAddr, s.ComponentAddr, s.apiAddr = loopback(ports[0]), loopback(ports[1]), loopback(ports[2])
	logFile := filepath.Join(s.Dir, string(s.Kind)+".log")
	s.logFiles = []string{logFile, s.outFile()}
	data := configData{
		Options: s.Options, C2SPort: ports[0], ComponentPort: ports[1], APIPort: ports[2],
		User: "root", Pidfile: filepath.Join(s.Dir, "prosody.pid"), Data: s.dataDir(), Log: logFile,
	}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, configName+".tmpl", data); err != nil {
		return fmt.Errorf("testbed: %s configuration: %w", s.Kind, err)
	}
	if err := os.MkdirAll(s.dataDir(), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, configName), b.Bytes(), 0o644)
}

func (s *Server) dataDir() string { return filepath.Join(s.Dir, "data") }
func (s *Server) outFile() string { return filepath.Join(s.Dir, string(s.Kind)+".out") }

// Start starts a server that was stopped or killed, with the same data and
// ports, and returns when its ports answer. A running server is left alone.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil && s.proc.alive() {
		return nil
	}
	out, err := os.OpenFile(s.outFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }() // the child holds its own copy
	if s.proc, err = startProcess(s.product.command(s), out); err != nil {
		return fmt.Errorf("testbed: start %s: %w", s.Kind, err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := s.awaitReady(ctx, s.proc); err != nil {
		return errors.Join(err, s.proc.end(false))
	}
	return nil
}

// awaitReady polls until the client port speaks XMPP for every host and the
// component port accepts.
func (s *Server) awaitReady(ctx context.Context, p *process) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := s.answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return fmt.Errorf("testbed: %s ended while starting: %v\n%s", s.Kind, p.err, s.LogTail())
		case <-ctx.Done():
			return fmt.Errorf("testbed: %s not ready: %w (last: %v)\n%s", s.Kind, ctx.Err(), err, s.LogTail())
		}
	}
}

func (s *Server) answers(ctx context.Context) error {
	for _, host := range s.Hosts {
		if err := speaks(ctx, s.C2SAddr, host); err != nil {
			return err
		}
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.ComponentAddr)
	if err != nil {
		return err
	}
	return c.Close()
}

// speaks opens a client stream and waits for its features.
func speaks(ctx context.Context, addr, host string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := io.WriteString(c, streamHeader(host)); err != nil {
		return err
	}
	var got []byte
	buf := make([]byte, 2048)
	for !bytes.Contains(got, []byte("</stream:features>")) {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil || len(got) > 64<<10 {
			return fmt.Errorf("no stream features for %s: %v", host, err)
		}
	}
	return nil
}

// Close stops the server and removes its directory if Options named none.
func (s *Server) Close() error {
	err := s.Stop()
	if s.ownDir {
		err = errors.Join(err, os.RemoveAll(s.Dir))
	}
	return err
}

// logTailSize is how much of each log LogTail returns, in bytes.
const logTailSize = 6 << 10

// LogTail returns the last lines of the server's logs and output.
func (s *Server) LogTail() string {
	var b strings.Builder
	for _, name := range s.logFiles {
		fmt.Fprintf(&b, "--- %s\n%s", filepath.Base(name), fileTail(name))
	}
	return b.String()
}

func fileTail(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return "(" + err.Error() + ")\n"
	}
	defer func() { _ = f.Close() }()
	if st, err := f.Stat(); err == nil && st.Size() > logTailSize {
		if _, err := f.Seek(-logTailSize, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, logTailSize))
	if err != nil {
		return err.Error()
	}
	return string(b)
}
