package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Kind names a server product.
type Kind string

// The servers that can be started.
const (
	Prosody  Kind = "prosody"
	Ejabberd Kind = "ejabberd"
)

// Names used where Options leaves a field empty.
const (
	DefaultHost      = "example.localhost"
	DefaultComponent = "presence.example.localhost"
	DefaultSecret    = "s3cret"
)

// startTimeout bounds one server start when the caller's context has no
// deadline; ejabberd needs about 2 s on an idle machine.
const startTimeout = 60 * time.Second

// Options say how a server is configured. The zero value is a plain server
// (no privileges) with one host and one component.
type Options struct {
	// Dir keeps configuration, data and logs. Empty means a temporary
	// directory that Close removes.
	Dir string
	// Privileged loads privileged entity (XEP-0356) and namespace delegation
	// (XEP-0355, jabber:iq:last) for the component.
	Privileged bool
	// PrivilegedHosts narrows Privileged to these hosts; empty means all.
	PrivilegedHosts []string
	// Hosts are the served domains; empty means DefaultHost.
	Hosts []string
	// Component is the domain presenced attaches as.
	Component string
	// MoreComponents are further component domains with the same secret and
	// without privileges, for remote-looking contacts.
	MoreComponents []string
	// Secret is the shared secret of all components.
	Secret string
	// SQL makes ejabberd keep block and privacy lists in a database; nil: in
	// its own one, out of everybody's reach.
	SQL *SQL
	// RateLimits turns on the limits distributions ship: client bandwidth on
	// both, and five subscription stanzas per minute on ejabberd.
	RateLimits bool
	// NoPEP leaves out personal eventing and capabilities (XEP-0163, XEP-0115) on
	// ejabberd, which spends most of a component's presence on them.
	NoPEP bool
	// LogLevel is the server's own: debug, info and error on both, warn on Prosody,
	// warning on ejabberd. Empty: info.
	LogLevel string
	// Modules are files of further modules, mod_NAME.lua, which Prosody loads on the
	// privileged hosts.
	Modules []string
	// ExtraGlobal is configuration text put into the global section, in the
	// server's own language.
	ExtraGlobal string
	// ExtraComponent is configuration text put into the component's section
	// (Prosody) or listener (ejabberd, indented by four spaces).
	ExtraComponent string
}

func (o Options) withDefaults() (Options, error) {
	if len(o.Hosts) == 0 {
		o.Hosts = []string{DefaultHost}
	}
	if o.Component == "" {
		o.Component = DefaultComponent
	}
	if o.Secret == "" {
		o.Secret = DefaultSecret
	}
	if o.LogLevel == "" {
		o.LogLevel = "info"
	}
	if o.Privileged && len(o.PrivilegedHosts) == 0 {
		o.PrivilegedHosts = o.Hosts
	}
	if !o.Privileged && len(o.PrivilegedHosts) > 0 {
		return o, errors.New("testbed: PrivilegedHosts without Privileged: set both or neither")
	}
	for _, h := range o.PrivilegedHosts {
		if !slices.Contains(o.Hosts, h) {
			return o, fmt.Errorf("testbed: privileged host %s is not served: add it to Hosts", h)
		}
	}
	if o.Dir == "" {
		return o, nil
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return o, fmt.Errorf("testbed: server directory: %w", err)
	}
	return o, nil
}

// ModuleDirs are the directories of Modules.
func (o Options) ModuleDirs() (dirs []string) {
	for _, file := range o.Modules {
		if d := filepath.Dir(file); !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

// ModuleNames are the names of Modules, as a server's configuration has them.
func (o Options) ModuleNames() (names []string) {
	for _, file := range o.Modules {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		names = append(names, strings.TrimPrefix(name, "mod_"))
	}
	return names
}

// PrivilegedOn tells whether the component has privileges on host.
func (o Options) PrivilegedOn(host string) bool {
	return slices.Contains(o.PrivilegedHosts, host)
}
