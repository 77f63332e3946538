package config

import (
	"io/fs"
	"path/filepath"
	"strings"
)

// worldReadable is the bit that lets every local user read a file.
const worldReadable fs.FileMode = 0o004

// secretPair is a secret that may also be named by file.
type secretPair struct {
	text, file leaf
}

// secretPairs finds every x with an x_file beside it.
func secretPairs(c *Config) []secretPair {
	var pairs []secretPair
	all := leaves(c)
	for i, l := range all {
		if l.secret() && i+1 < len(all) && all[i+1].name == l.name+"_file" {
			pairs = append(pairs, secretPair{text: l, file: all[i+1]})
		}
	}
	return pairs
}

// resolveSecrets reads every x_file into its x. Of both, the one from the
// stronger layer counts; two from one layer contradict each other.
func (l *loader) resolveSecrets() {
	for _, p := range secretPairs(l.config) {
		text, file := l.config.origins[p.text.key()], l.config.origins[p.file.key()]
		path := p.file.value.String()
		switch {
		case path == "" || !file.set():
		case !text.set() || file.Kind > text.Kind:
			l.readSecret(p, path, file)
			continue
		case file.Kind == text.Kind:
			l.report.add(file, Problem{Key: p.file.key(), Value: quote(path),
				Message: "given together with " + p.text.name, Remedy: "keep one of the two"})
			continue
		default:
			p.file.value.SetString("")
			delete(l.config.origins, p.file.key())
		}
		l.inlineSecret(p, text)
	}
}

// readSecret puts the file's text into the secret. Exactly one newline at its
// end is dropped: more could be part of it.
func (l *loader) readSecret(p secretPair, path string, o Origin) {
	l.config.origins[p.text.key()] = o
	wrong := func(message, remedy string) {
		l.report.bad[p.text.key()] = true
		l.report.add(o, Problem{Key: p.file.key(), Value: quote(path), Message: message, Remedy: remedy})
	}
	data, mode, err := l.read(path, maxSecret)
	switch {
	case err != nil:
		wrong("cannot be read: "+plainError(err), "write the secret into it and let the daemon's user read it")
		return
	case len(data) > maxSecret:
		wrong("is larger than "+Size(maxSecret).String(), "name a file that holds only the secret")
		return
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if strings.TrimSpace(text) == "" {
		wrong("the file is empty", "write the secret into it")
		return
	}
	put(&node{kind: kindText, text: text}, p.text.value)
	if mode&worldReadable != 0 {
		l.report.warn(o, Problem{Key: p.file.key(), Value: quote(path),
			Message: "every local user can read the file", Remedy: "chmod 0640 it"})
	}
	if !filepath.IsAbs(path) {
		l.report.warn(o, Problem{Key: p.file.key(), Value: quote(path),
			Message: "is looked for from the working directory", Remedy: "write the path from / on"})
	}
}

// inlineSecret warns of a secret in a file that everybody can read.
func (l *loader) inlineSecret(p secretPair, o Origin) {
	if o.Kind != FromFile || l.mode&worldReadable == 0 || p.text.value.Type() != secretType {
		return
	}
	l.report.warn(o, Problem{Key: p.text.key(), Value: hidden,
		Message: "every local user can read this file",
		Remedy:  "chmod 0640 it, or name a file with " + p.file.name})
}
