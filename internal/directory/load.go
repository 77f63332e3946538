package directory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"presenced/internal/presence"
)

// Limits of a directory file.
const (
	maxFile   = 64 << 20 // bytes
	maxPeople = 200_000
	maxValue  = 256 // characters
	// maxTold is how many mistakes are told at once; more of them are one mistake
	// made many times.
	maxTold = 20
)

// fieldGroups stands for the column of a person's groups, which is no field.
const fieldGroups = presence.NumFields + 1

// columns are the names a header may hold, with their fields; jid has none.
var columns = [...]struct {
	name  string
	field presence.Field
}{
	{"jid", presence.NumFields},
	{"name", presence.FieldName}, {"email", presence.FieldEmail}, {"title", presence.FieldTitle},
	{"company", presence.FieldCompany}, {"office", presence.FieldOffice},
	{"workPhone", presence.FieldWorkPhone}, {"mobilePhone", presence.FieldMobilePhone},
	{"homePhone", presence.FieldHomePhone}, {"otherPhone", presence.FieldOtherPhone},
	{"photo", presence.FieldPhoto}, {"groups", fieldGroups},
}

// Load reads a directory file. An empty path is an empty book. The error names
// every mistake, one per line, each with its line in the file and a remedy.
func Load(path string) (*Book, error) {
	if path == "" {
		return nil, nil
	}
	data, err := readFile(path, maxFile)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, fmt.Errorf("%s: is larger than %d MiB; keep only people of the served hosts in it", path, maxFile>>20)
	case errors.Is(err, errNoFile):
		return nil, fmt.Errorf("%s: is no plain file; name a CSV file", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such file; write it, or leave directory.file out: %w", path, err)
	case err != nil:
		return nil, fmt.Errorf("%s: cannot be read; let the daemon's user read it: %w", path, err)
	}
	l := &loader{path: path, lines: map[presence.Addr]int{}, mails: map[presence.Addr]int{}, book: &Book{
		people: map[presence.Addr]*presence.Profile{}, groups: map[presence.Addr][]string{}, cells: map[string][]string{}, emails: map[presence.Addr]presence.Addr{}, photos: map[string]string{},
	}}
	l.read(data)
	if len(l.problems) > 0 {
		if l.untold > 0 {
			l.problems = append(l.problems, fmt.Errorf("%s: and %d more", path, l.untold))
		}
		return nil, errors.Join(l.problems...)
	}
	return l.book, nil
}

// loader reads one file.
type loader struct {
	path     string
	header   []presence.Field // by column; NumFields is the jid
	lines    map[presence.Addr]int
	mails    map[presence.Addr]int
	book     *Book
	problems []error
	untold   int
}

// problem notes one mistake; column is empty for the whole line.
func (l *loader) problem(line int, column, format string, args ...any) {
	if len(l.problems) >= maxTold {
		l.untold++
		return
	}
	where := fmt.Sprintf("%s:%d: ", l.path, line)
	if column != "" {
		where += column + ": "
	}
	l.problems = append(l.problems, fmt.Errorf("%s%w", where, fmt.Errorf(format, args...)))
}

func (l *loader) read(data []byte) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // spreadsheets write it
	r := csv.NewReader(bytes.NewReader(data))
	r.Comment = '#'
	r.ReuseRecord = true
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			l.malformed(wrong)
			if !errors.Is(err, csv.ErrFieldCount) {
				return // where the next line begins is a guess
			}
			continue
		}
		if l.header == nil {
			line, _ := r.FieldPos(0)
			if !l.readHeader(line, record) {
				return
			}
			continue
		}
		if len(l.book.people) >= maxPeople {
			line, _ := r.FieldPos(0)
			l.problem(line, "", "more than %d people; keep only people of the served hosts in it", maxPeople)
			return
		}
		l.person(r, record)
	}
	if l.header == nil {
		l.problem(1, "", "there is no header; begin with a line such as jid,name,email,workPhone,photo")
	}
}

// malformed tells what is wrong with the form of a line.
func (l *loader) malformed(wrong *csv.ParseError) {
	switch {
	case errors.Is(wrong.Err, csv.ErrFieldCount):
		l.problem(wrong.StartLine, "", "does not have as many cells as the header; quote values that hold commas, and keep empty cells")
	case errors.Is(wrong.Err, csv.ErrQuote), errors.Is(wrong.Err, csv.ErrBareQuote):
		l.problem(wrong.Line, "", "has a quotation mark in the wrong place; quote the whole value and double the marks inside it")
	default:
		l.problem(wrong.Line, "", "%w; write comma-separated values", wrong.Err)
	}
}

// readHeader takes the names of the columns.
func (l *loader) readHeader(line int, record []string) bool {
	seen := map[presence.Field]bool{}
	for _, name := range record {
		name = strings.TrimSpace(name)
		field, known := columnNamed(name)
		switch {
		case !known && strings.ContainsAny(name, ";\t"):
			l.problem(line, "", "the header is not separated by commas; separate all values by commas")
		case !known:
			l.problem(line, "", "%q is no column; the columns are %s", clip(name), columnNames())
		case seen[field]:
			l.problem(line, name, "stands there twice; remove one of the two columns")
		}
		seen[field] = true
		l.header = append(l.header, field)
	}
	l.book.grouped = seen[fieldGroups]
	if len(l.problems) == 0 && !seen[presence.NumFields] {
		l.problem(line, "", "there is no column jid; add one with each person's address")
	}
	return len(l.problems) == 0
}

func columnNamed(name string) (presence.Field, bool) {
	for _, c := range columns {
		if strings.EqualFold(c.name, name) {
			return c.field, true
		}
	}
	return 0, false
}

func columnNames() string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// person takes one line.
func (l *loader) person(r *csv.Reader, record []string) {
	p := new(presence.Profile)
	var jid, photo, groups string
	line, _ := r.FieldPos(0)
	bad := false
	for i, value := range record {
		value = strings.TrimSpace(value)
		field := l.header[i]
		if err := checkValue(value); err != nil {
			at, _ := r.FieldPos(i)
			l.problem(at, l.column(i), "%w", err)
			bad = true
			continue
		}
		switch field {
		case presence.NumFields:
			jid = value
		case presence.FieldPhoto:
			photo = value
		case fieldGroups:
			groups = value
		default:
			p.Text[field] = strings.Clone(value) // the record is one string
		}
	}
	a, ok := l.address(line, jid)
	if !ok || bad {
		return
	}
	l.lines[a] = line
	if !l.email(line, a, p.Text[presence.FieldEmail]) || !l.photo(line, p, photo) {
		return
	}
	l.book.people[a] = p
	l.book.join(a, groups)
}

func (l *loader) column(i int) string {
	for _, c := range columns {
		if c.field == l.header[i] {
			return c.name
		}
	}
	return ""
}

// address reads the jid of a line.
func (l *loader) address(line int, jid string) (presence.Addr, bool) {
	j, err := presence.ParseJID(jid)
	switch {
	case jid == "":
		l.problem(line, "jid", "is empty; write the person's address, such as alice@example.org")
	case err != nil:
		l.problem(line, "jid", "%w; write an address such as alice@example.org", err)
	case j.Addr.Local() == "" || j.Resource != "":
		l.problem(line, "jid", "%q is not the address of one person; write one such as alice@example.org", jid)
	case l.lines[j.Addr] > 0:
		l.problem(line, "jid", "%q stands on line %d already; remove one of the two", jid, l.lines[j.Addr])
	default:
		return j.Addr, true
	}
	return presence.Addr{}, false
}

// email takes an e-mail address into the look-up table.
func (l *loader) email(line int, a presence.Addr, email string) bool {
	if email == "" {
		return true
	}
	key, err := emailKey(email)
	switch {
	case err != nil:
		l.problem(line, "email", "%q is no e-mail address; write one such as alice@example.org", email)
	case l.mails[key] > 0:
		l.problem(line, "email", "%q stands on line %d already; leave it with one person", email, l.mails[key])
	default:
		l.mails[key], l.book.emails[key] = line, a
		return true
	}
	return false
}

var errEmail = errors.New("no e-mail address")

// emailKey is what two spellings of one e-mail address have in common.
func emailKey(email string) (presence.Addr, error) {
	j, err := presence.ParseJID(strings.TrimSpace(email))
	if err != nil || j.Addr.Local() == "" || j.Resource != "" {
		return presence.Addr{}, errEmail
	}
	return j.Addr, nil
}

// photo checks the file of a photo and keeps its path and hash.
func (l *loader) photo(line int, p *presence.Profile, path string) bool {
	if path == "" {
		return true
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(l.path), path)
	}
	pic, err := readPicture(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.problem(line, "photo", "%s: there is no such file; correct the path, which counts from %s", path, filepath.Dir(l.path))
	case err != nil:
		l.problem(line, "photo", "%s: %w", path, err)
	default:
		p.Text[presence.FieldPhoto], p.PhotoSource = pic.Hash, presence.DirectoryPhoto
		l.book.photos[pic.Hash] = path
		return true
	}
	return false
}

// checkValue tells why a value cannot be shown.
func checkValue(v string) error {
	switch n := utf8.RuneCountInString(v); {
	case !utf8.ValidString(v):
		return errors.New("is not UTF-8; save the file as UTF-8")
	case n > maxValue:
		return fmt.Errorf("has %d characters; shorten it to %d", n, maxValue)
	case strings.ContainsFunc(v, unicode.IsControl):
		return errors.New("holds a line break or another control character; write it on one line")
	}
	return nil
}

// clip keeps what is told of a file short.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
