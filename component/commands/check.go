package commands

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"presenced/internal/presence"
)

// fault says what is wrong with one field, in a sentence that tells what to write.
type fault struct{ field, why string }

func itoa(n int) string { return strconv.Itoa(n) }

// sameAddress compares two values by S2.7.
func sameAddress(a, b string) bool {
	x, errX := presence.ParseAddr(a)
	y, errY := presence.ParseAddr(b)
	return errX == nil && errY == nil && x == y
}

// check holds the answers against the form. What it accepts has at most one value
// in a single field, known choices, readable booleans, numbers and addresses.
func (r *run) check(f *form) []fault {
	var faults []fault
	for i := range f.fields {
		fd := &f.fields[i]
		if fd.kind == fixed {
			continue
		}
		if why := r.checkField(fd); why != "" {
			faults = append(faults, fault{fd.name, why})
		}
	}
	return faults
}

func (r *run) checkField(fd *field) string {
	one := r.in[fd.name]
	switch {
	case one == nil || len(one.values) == 0 || len(one.values) == 1 && one.values[0] == "":
		if fd.required {
			return r.t("error.required")
		}
		return ""
	case one.repeated:
		return r.t("error.repeated")
	case fd.kind != listMulti && len(one.values) > 1:
		return r.t("error.single")
	}
	for i, v := range one.values {
		if n := utf8.RuneCountInString(v); len(v) > maxValue {
			return r.t("error.long", n, cmp.Or(min(fd.limit, maxValue/2), maxValue/2)) // fewer bytes than that whatever they are
		}
		switch {
		case fd.kind == textSingle:
			v = strings.TrimSpace(v)
		case fd.kind == jidSingle, fd.addresses:
			v = pasted(v)
		}
		one.values[i] = v
		why := r.checkValue(fd, v)
		if why != "" {
			return why
		}
		if o, ok := fd.option(v); ok {
			one.values[i] = o.value
		}
	}
	return ""
}

func (r *run) checkValue(fd *field, v string) string {
	switch fd.kind {
	case boolean:
		if _, ok := parseBool(v); !ok {
			return r.t("error.boolean")
		}
	case listSingle:
		if _, ok := fd.option(v); !ok {
			return r.t("error.choice", choices(fd.options))
		}
	case listMulti:
		if _, ok := fd.option(v); !ok {
			if a, err := presence.ParseAddr(v); fd.addresses && err == nil && r.s.bareWord(a) {
				return r.t("error.word", v)
			}
			return r.t("error.gone", v)
		}
	case jidSingle:
		if a, err := presence.ParseAddr(v); err != nil || !plausible(a) {
			return r.t("error.address")
		}
	default:
		return r.checkText(fd, v)
	}
	return ""
}

func (r *run) checkText(fd *field, v string) string {
	if fd.limit > 0 {
		if n := utf8.RuneCountInString(v); n > fd.limit {
			return r.t("error.long", n, fd.limit)
		}
	}
	if fd.datatype == dataInteger {
		n, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil || n < fd.min || n > fd.max {
			return r.t("error.number", fd.min, fd.max)
		}
	}
	return ""
}

// pasted is an address as people paste it, without the xmpp: of a link (RFC 5122).
func pasted(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > len("xmpp:") && strings.EqualFold(s[:len("xmpp:")], "xmpp:") {
		s, _, _ = strings.Cut(s[len("xmpp:"):], "?")
	}
	return s
}

// plausible reports whether a person can have that address. ParseAddr takes more,
// since a server's mistake must not make two addresses one; but a rule about a slip
// would never match, and whoever made it would believe that it does.
func plausible(a presence.Addr) bool {
	if strings.ContainsFunc(a.Local(), func(c rune) bool { return !unicode.IsPrint(c) }) {
		return false
	}
	domain := a.Domain()
	if number, ok := strings.CutPrefix(domain, "["); ok {
		_, err := netip.ParseAddr(strings.TrimSuffix(number, "]"))
		return err == nil
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, outsideDomains) {
			return false
		}
	}
	return true
}

// outsideDomains reports whether no domain holds c; the underscore is in some that
// are used inside a house.
func outsideDomains(c rune) bool {
	return c != '-' && c != '_' && !unicode.In(c, unicode.Letter, unicode.Mark, unicode.Digit)
}

// choices lists values for people who wrote one by hand.
func choices(options []option) string {
	var b strings.Builder
	for _, o := range options {
		if o.value == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(o.value)
	}
	return b.String()
}
