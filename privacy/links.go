package privacy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// LinkMode says what happens to links in notes and statuses (S9). The zero value
// warns.
type LinkMode uint8

// The modes of S9.
const (
	LinksWarn       LinkMode = iota // sent unchanged, whoever sets it gets a note
	LinksNeutralise                 // prefixed with _ so that nothing makes them a link
	LinksBlock                      // refused
)

var linkModeNames = [...]string{"warn", "neutralise", "block"}

// String returns the configuration value.
func (m LinkMode) String() string { return linkModeNames[m] }

// ParseLinkMode reads a configuration value.
func ParseLinkMode(s string) (LinkMode, bool) { return index[LinkMode](linkModeNames[:], s) }

// Links is the operator's policy about links in texts people set. What it makes of
// a text counts when that is set and once more when it is shown, so that texts set
// under a wider policy are held to a narrower one.
type Links struct {
	Mode LinkMode
	// Intranet lists hosts whose links are left alone: exact, or *.suffix.
	Intranet []string
	// Extensions lists file extensions; a link to such a file is refused in any
	// mode, unless it leads into the intranet.
	Extensions []string
}

// LinkVerdict is what Links makes of one text.
type LinkVerdict struct {
	Text    string   // to be used in place of the text; empty when refused
	Links   []string // the links found, for the note to whoever set it
	Refused bool
}

// schemes are the beginnings that make a word a link (S9). The last one stands
// for every word that begins with www.
var schemes = [...]string{
	"callto:", "file:", "ftp.", "ftp:", "gopher:", "href", "http:", "https:", "ldap:", "mailto:",
	"news:", "nntp:", "sip:", "sips:", "tel:", "telnet:", "www",
}

// Apply filters text. Applying it again to its own result changes nothing.
func (l *Links) Apply(text string) LinkVerdict {
	v := LinkVerdict{Text: text}
	var b strings.Builder
	from, last := 0, 0
	for start, end := range links(text) {
		link := text[start:end]
		if l.intranet(link) {
			continue
		}
		if start >= last {
			v.Links = append(v.Links, link)
		}
		last = max(last, end)
		if l.Mode == LinksBlock || l.file(link) {
			return LinkVerdict{Links: v.Links, Refused: true}
		}
		if l.Mode == LinksNeutralise {
			b.WriteString(text[from:start])
			b.WriteByte('_')
			from = start
		}
	}
	if from > 0 || b.Len() > 0 {
		v.Text = b.String() + text[from:]
	}
	return v
}

// Shown returns text as it may be shown: empty where it would be refused.
func (l *Links) Shown(text string) string {
	if text == "" {
		return ""
	}
	return l.Apply(text).Text
}

// links yields where the links of text begin and end. A link may hold another
// one, as http://www.a.example does: a client finds that one once the first is
// neutralised.
func links(text string) func(yield func(start, end int) bool) {
	return func(yield func(int, int) bool) {
		prev := rune(' ')
		for i := 0; i < len(text); {
			r, size := utf8.DecodeRuneInString(text[i:])
			if !wordRune(prev) {
				if n := schemeAt(text[i:]); n > 0 {
					end := i + wordEnd(text[i:])
					if end > i+n {
						if !yield(i, end) {
							return
						}
						i += n
						prev, _ = utf8.DecodeLastRuneInString(text[:i])
						continue
					}
				}
			}
			prev = r
			i += size
		}
	}
}

// wordRune reports whether a link cannot begin right after r. The underscore
// counts, so that a neutralised link is none.
func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// schemeAt returns the length of the scheme that s begins with, 0 for none.
func schemeAt(s string) int {
	for _, scheme := range schemes {
		if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			return len(scheme)
		}
	}
	return 0
}

// wordEnd returns where the word that s begins with ends.
func wordEnd(s string) int {
	if i := strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == '<' || r == '>' || r == '"'
	}); i >= 0 {
		return i
	}
	return len(s)
}

// intranet reports whether link leads to a listed host.
func (l *Links) intranet(link string) bool {
	host := hostOf(link)
	if host == "" {
		return false
	}
	for _, entry := range l.Intranet {
		entry = strings.ToLower(entry)
		if suffix, ok := strings.CutPrefix(entry, "*"); ok && strings.HasPrefix(suffix, ".") {
			if strings.HasSuffix(host, suffix) && len(host) > len(suffix) {
				return true
			}
			continue
		}
		if host == entry {
			return true
		}
	}
	return false
}

// hostOf returns the lower-case host a link leads to, as browsers read it:
// slashes lean either way, a port and a user part are no part of it.
func hostOf(link string) string {
	rest := link
	if scheme, after, ok := strings.Cut(link, ":"); ok && !strings.ContainsAny(scheme, "/\\.") {
		rest = after
	}
	rest = strings.TrimLeft(rest, "/\\")
	if i := strings.IndexAny(rest, "/\\?#"); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	rest, _, _ = strings.Cut(rest, ":")
	return strings.ToLower(strings.TrimRight(rest, ".,;!)]'"))
}

// file reports whether link leads to a file of a listed extension.
func (l *Links) file(link string) bool {
	if i := strings.IndexAny(link, "?#"); i >= 0 {
		link = link[:i]
	}
	link = strings.ToLower(strings.TrimRight(link, ".,;:!)]'/\\"))
	for _, ext := range l.Extensions {
		ext = "." + strings.ToLower(strings.TrimPrefix(ext, "."))
		if ext != "." && strings.HasSuffix(link, ext) {
			return true
		}
	}
	return false
}
