package testbed

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Postgres is one PostgreSQL server on a free port of 127.0.0.1. It keeps data
// and port over restarts, and asks for passwords.
type Postgres struct {
	Addr, Dir string
	Port      int
	// User owns the cluster; Password lets it in.
	User, Password string

	bin string // where Debian keeps initdb and postgres
	as  *syscall.Credential

	service
}

// postgresUser is whom Debian's package makes; PostgreSQL refuses to run as
// root.
const postgresUser = "postgres"

// StartPostgres makes a cluster in dir, which is empty or "" for a temporary
// one that Close removes, and returns when it answers.
func StartPostgres(ctx context.Context, dir string) (*Postgres, error) {
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(bins) == 0 {
		return nil, errors.New("testbed: PostgreSQL is not installed: run apt-get install postgresql")
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	p := &Postgres{Addr: loopback(ports[0]), Port: ports[0], User: "cluster_owner", Password: "of the cluster",
		bin: filepath.Dir(bins[len(bins)-1])}
	p.name, p.command, p.answers = "PostgreSQL", p.child, p.selects
	p.quit = syscall.SIGINT // its "fast": SIGTERM would wait for every client
	if p.Dir, err = p.home(dir); err != nil {
		return nil, err
	}
	p.logs = []string{filepath.Join(p.Dir, "postgres.log")}
	if err = p.initialise(ctx); err == nil {
		err = p.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Postgres) data() string { return filepath.Join(p.Dir, "data") }

// initialise makes the cluster, as root on behalf of Debian's user.
func (p *Postgres) initialise(ctx context.Context) error {
	if err := os.MkdirAll(p.data(), 0o700); err != nil {
		return err
	}
	secret := filepath.Join(p.Dir, "password")
	if err := os.WriteFile(secret, []byte(p.Password), 0o600); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		u, err := user.Lookup(postgresUser)
		if err != nil {
			return fmt.Errorf("testbed: PostgreSQL does not run as root: %w", err)
		}
		uid, err := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		p.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		for _, path := range []string{p.Dir, p.data(), secret} {
			err = errors.Join(err, os.Chown(path, uid, gid))
		}
		if err = errors.Join(err, gidErr); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "initdb"), "--pgdata", p.data(), "--username", p.User,
		"--pwfile", secret, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	cmd.Dir, cmd.SysProcAttr = p.Dir, &syscall.SysProcAttr{Credential: p.as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("testbed: initdb: %w\n%s", err, out)
	}
	return nil
}

func (p *Postgres) child() *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, "postgres"), "-D", p.data(), "-p", strconv.Itoa(p.Port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off",
		"-c", "lc_messages=C", "-c", "max_connections=50", "-c", "shared_buffers=16MB")
	cmd.Dir, cmd.SysProcAttr = p.Dir, &syscall.SysProcAttr{Credential: p.as}
	return cmd
}

func (p *Postgres) selects(ctx context.Context) error {
	_, err := p.SQL(ctx, "postgres", "SELECT 1")
	return err
}

// DSN is the connection string of a user of a database.
func (p *Postgres) DSN(user, password, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: p.Addr, Path: "/" + database,
		RawQuery: "sslmode=disable"}
	return u.String()
}

// SQL runs statements as the owner of the cluster and returns the rows of the
// last one, columns parted by "|".
func (p *Postgres) SQL(ctx context.Context, database, text string) (string, error) {
	return p.psql(ctx, database, "--command", text)
}

// Schema makes a database of the statements in a file.
func (p *Postgres) Schema(ctx context.Context, database, file string) error {
	if _, err := p.SQL(ctx, "postgres", "CREATE DATABASE "+database); err != nil {
		return err
	}
	_, err := p.psql(ctx, database, "--file", file)
	return err
}

func (p *Postgres) psql(ctx context.Context, database string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "psql", append([]string{"--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
		"--set", "ON_ERROR_STOP=1"}, args...)...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+p.Password, "PGHOST=127.0.0.1", "PGPORT="+strconv.Itoa(p.Port),
		"PGUSER="+p.User, "PGDATABASE="+database, "PGCONNECT_TIMEOUT=5")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("testbed: psql: %w\n%s", err, out)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}

// RunPostgres runs a PostgreSQL for the duration of a test. It fails when it is
// missing and skips only where PRESENCED_SKIP_SERVERS=1.
func RunPostgres(t TB) *Postgres {
	t.Helper()
	skip(t)
	return runFor(t, func() (*Postgres, error) { return StartPostgres(t.Context(), "") })
}
