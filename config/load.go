package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"

	"github.com/pelletier/go-toml/v2"
)

// Limits on what is read: a configuration is written by hand, a secret is a
// line. What is larger is the wrong file.
const (
	maxFile   = 4 << 20
	maxSecret = 64 << 10
)

// Overrides are the layers above the file. The zero value has none.
type Overrides struct {
	// Environ holds NAME=value pairs as os.Environ returns them; only those
	// that begin with PRESENCED_ are looked at.
	Environ []string
	// Set holds the --set flags, each "section.key=value"; of two for one key
	// the last counts.
	Set []string
}

// Load reads the file at path, with the overrides on top; an empty path means
// that there is no file. It returns a configuration that has been validated,
// with warnings in the order of the file, or an *[Error] with everything that
// is wrong. Secrets are read from their files here, so loading again is how a
// changed secret is noticed.
func Load(path string, over Overrides) (*Config, []Problem, error) {
	l := newLoader(path, readFile)
	if path == "" {
		return l.load(nil, over)
	}
	data, mode, err := l.read(path, maxFile)
	if err != nil {
		l.report.add(Origin{Kind: FromFile, Name: path}, Problem{
			Key: "config", Message: "cannot be read: " + plainError(err),
			Remedy: unreadable(err)})
		return nil, nil, l.report.err()
	}
	l.mode = mode
	return l.load(data, over)
}

// unreadable is what to do about a configuration file that cannot be read.
func unreadable(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "run this as root, or let presenced's user read it: chgrp it to a group of that user, and chmod 0640"
	}
	return "name the file with --config, or write one with \"presenced config defaults\""
}

// fileReader returns a file's first bytes, at most limit and one, and its mode.
type fileReader func(path string, limit int64) ([]byte, fs.FileMode, error)

// loader carries one configuration through its layers.
type loader struct {
	report *report
	config *Config
	read   fileReader
	mode   fs.FileMode // of the file; 0 if there is none
}

func newLoader(file string, read fileReader) *loader {
	return &loader{report: newReport(file), config: Default(), read: read}
}

// load applies the layers to the defaults and validates the result.
func (l *loader) load(data []byte, over Overrides) (*Config, []Problem, error) {
	if len(data) > maxFile {
		l.report.add(Origin{Kind: FromFile, Name: l.report.file}, Problem{
			Key: "config", Message: "is larger than " + Size(maxFile).String(), Remedy: "name a configuration file"})
		return nil, nil, l.report.err()
	}
	root := readDocument(data, l.report)
	d := &decoder{report: l.report, config: l.config}
	d.table(root, "", reflect.ValueOf(l.config).Elem())
	d.environment(over.Environ)
	d.flags(over.Set)
	l.resolveSecrets()
	l.inherit()
	l.validate()
	if len(l.report.problems) == 0 {
		l.secondReader(data)
	}
	if err := l.report.err(); err != nil {
		return nil, l.report.warnings, err
	}
	return l.config, l.report.warnings, nil
}

// secondReader asks go-toml itself about a document in which nothing was found
// wrong: corners of TOML that our reader is not strict about are refused too.
func (l *loader) secondReader(data []byte) {
	var whole map[string]any
	err := toml.Unmarshal(data, &whole)
	if err == nil {
		return
	}
	p := Problem{Message: "cannot be read: " + letter.ReplaceAllString(plainError(err), ""), Remedy: syntaxRemedy(err.Error())}
	o := Origin{Kind: FromFile, Name: l.report.file, Line: 1}
	if de, ok := errors.AsType[*toml.DecodeError](err); ok {
		o.Line, _ = de.Position()
		p.Key = join(de.Key(), nil)
	}
	l.report.add(o, p)
}

// plainError words an error without the parts that name code or repeat a path.
func plainError(err error) string {
	var path *fs.PathError
	var de *toml.DecodeError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case errors.As(err, &path):
		return path.Err.Error()
	case errors.As(err, &de):
		return trimPrefix(de.Error(), "toml: ")
	}
	return err.Error()
}

func trimPrefix(s, prefix string) string {
	if len(s) >= len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):]
	}
	return s
}

var errNotAFile = errors.New("it is not a file")

// readFile reads at most limit and one bytes. Devices and pipes are refused
// before they are opened: they can block for ever.
func readFile(path string, limit int64) ([]byte, fs.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errNotAFile
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	return data, info.Mode(), err
}

// inherit fills in what follows from other keys.
func (l *loader) inherit() {
	c := l.config
	if !c.origins["networks.enterprise"].set() {
		c.Networks.Enterprise = slices.Clone(c.Component.Hosts)
	}
	global := reflect.ValueOf(&c.Policy).Elem()
	for i := range c.Policies {
		own := reflect.ValueOf(&c.Policies[i].Policy).Elem()
		for f := range own.NumField() {
			key := fmt.Sprintf("policies[%d].%s", i, tomlName(own.Type().Field(f)))
			if !c.origins[key].set() {
				own.Field(f).Set(global.Field(f))
				c.origins[key] = Origin{Kind: FromPolicy}
			}
		}
	}
}
