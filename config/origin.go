package config

import (
	"fmt"
	"strings"
)

// OriginKind is the layer a value came from.
type OriginKind int

// The layers, weakest first: a later one beats an earlier one.
const (
	FromDefault OriginKind = iota
	FromPolicy             // a named policy's key, taken over from [policy]
	FromFile
	FromEnv
	FromFlag
)

// Origin tells where a value was set.
type Origin struct {
	Kind OriginKind
	Name string // the file, the variable or the flag; empty for a default
	Line int    // in a file, from 1; otherwise 0
}

// String returns "default", "presenced.toml:12", "PRESENCED_LOG_LEVEL" or
// "--set log.level".
func (o Origin) String() string {
	switch {
	case o.Kind == FromDefault:
		return "default"
	case o.Kind == FromPolicy:
		return "from [policy]"
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.Name, o.Line)
	default:
		return o.Name
	}
}

// set reports whether somebody wrote the value.
func (o Origin) set() bool { return o.Kind >= FromFile }

// Origin returns where the key (such as "presence.idle_after" or
// "privacy.containers[0].id") was set; the default where it was not.
func (c *Config) Origin(key string) Origin { return c.origins[key] }

// nearestOrigin returns the origin of key or of what encloses it, so that a
// list item or a missing key is told at the line of its list or section.
func (c *Config) nearestOrigin(key string) Origin {
	for key != "" {
		if o, ok := c.origins[key]; ok {
			return o
		}
		cut := strings.LastIndexAny(key, ".[")
		if cut < 0 {
			break
		}
		key = key[:cut]
	}
	return Origin{}
}
