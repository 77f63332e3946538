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

	apiAddr string // ejabberd's HTTP API
	product product

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
	s.name, s.answers = string(kind), s.speaksEverywhere
	s.command = func() *exec.Cmd { return p.command(s) }
	if s.Dir, err = s.home(s.Dir); err != nil {
		return nil, fmt.Errorf("testbed: server directory: %w", err)
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
	s.logs = []string{logFile, filepath.Join(s.Dir, string(s.Kind)+".out")}
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

// speaksEverywhere: the client port speaks XMPP for every host and the component
// port accepts.
func (s *Server) speaksEverywhere(ctx context.Context) error {
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
