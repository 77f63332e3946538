package commands

import (
	"strings"

	"presenced/component/stream"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// Limits of a list told in words. A person reads no more; the options and the
// table beside it hold the rest.
const (
	maxLines = 20
	maxWords = 2 << 10 // bytes on the wire
)

// few returns the first lines of a list within these limits, at least one of
// them, and then how many more there are.
func (r *run) few(lines []string) []string {
	size := 0
	for i, line := range lines {
		size += len(stream.AppendText(nil, line))
		if i > 0 && (i == maxLines || size > maxWords) {
			return append(lines[:i:i], r.t("form.more", len(lines)-i))
		}
	}
	return lines
}

// spell tells the choices of a list and what to write for each: some clients
// show no options where there is no default.
func (r *run) spell(lead text.Key, options []option) []field {
	var plain, lines []string
	for _, o := range options {
		if o.label == o.value {
			plain = append(plain, o.value)
		} else {
			lines = append(lines, r.t("form.option", o.value, o.label))
		}
	}
	var fields []field
	if len(plain) > 0 {
		fields = append(fields, say(r.t("form.choice", r.t(lead), strings.Join(r.few(plain), ", "))))
	} else if len(lines) > 0 {
		fields = append(fields, say(r.t(lead)+":"))
	}
	for _, line := range r.few(lines) {
		fields = append(fields, say(line))
	}
	return fields
}

// bareWord reports whether a is neither a person nor a domain as people write
// one, but most likely a person's name without the rest. A served host may be
// called what it likes.
func (s *Server) bareWord(a presence.Addr) bool {
	_, served := s.hosts[a.Domain()]
	return a.Local() == "" && !served && !strings.ContainsAny(a.Domain(), ".:")
}

// numbered is a level's name with the number to write for it.
func (r *run) numbered(id presence.ContainerID) string {
	name := r.level(id)
	if name == r.t("level.custom", id) {
		return name
	}
	return r.t("level.numbered", name, id)
}
