package commands

import "presenced/component/stream"

// kind is the type of a form's field (XEP-0004 §3.3).
type kind uint8

const (
	fixed kind = iota
	textSingle
	boolean
	listSingle
	listMulti
	jidSingle
	textMulti
	textPrivate // never sent back
)

var kindNames = [...]string{"fixed", "text-single", "boolean", "list-single", "list-multi", "jid-single", "text-multi", "text-private"}

// dataInteger is a datatype of XEP-0122. Times have none: a client would not let
// people write "Friday".
const dataInteger = "xs:integer"

// option is one choice of a list field.
type option struct{ value, label string }

// field is one line of a form.
type field struct {
	name, label, desc string
	kind              kind
	required          bool
	values            []string
	options           []option
	shown             int    // how many options are sent; 0: all
	datatype          string // XEP-0122; empty: none
	min, max          int    // of an xs:integer
	limit             int    // the longest text in characters; 0: no limit of its own
	addresses         bool   // values are compared as addresses (S2.7)
}

// form is one page of a command, or its result: then reported and rows are set.
type form struct {
	title, instructions string
	fields              []field
	told                bool // a result without a table
	reported            []field
	rows                [][]string
	lines               []string // the rows as people read them
	worded              bool     // the note beside it has all lines
}

// inLines is a result without its table, nil where the note says it all.
func (f *form) inLines() *form {
	if f.worded {
		return nil
	}
	plain := &form{title: f.title, told: true}
	for _, line := range f.lines[:min(len(f.lines), len(f.rows))] {
		plain.fields = append(plain.fields, say(line))
	}
	return plain
}

func (f *form) find(name string) *field {
	for i := range f.fields {
		if f.fields[i].name == name && f.fields[i].kind != fixed {
			return &f.fields[i]
		}
	}
	return nil
}

// asked reports whether any field of the form was submitted.
func (f *form) asked(in answers) bool {
	for name := range in {
		if f.find(name) != nil {
			return true
		}
	}
	return false
}

// fill puts what was submitted in the places of the defaults. A choice that does
// not exist is dropped, since clients cannot show it.
func (f *form) fill(in answers) {
	for i := range f.fields {
		fd := &f.fields[i]
		one := in[fd.name]
		if one == nil || fd.kind == fixed || fd.kind == textPrivate {
			continue
		}
		fd.values = nil
		for _, v := range one.values {
			if v, ok := fd.showable(v); ok {
				fd.values = append(fd.values, v)
			}
		}
		if fd.kind != listMulti && len(fd.values) > 1 {
			fd.values = fd.values[:1]
		}
	}
}

// showable returns what a client can show of a submitted value.
func (fd *field) showable(v string) (_ string, ok bool) {
	if len(v) > maxValue {
		return "", false
	}
	switch fd.kind {
	case listSingle, listMulti:
		var o option
		o, ok = fd.option(v)
		return o.value, ok
	case boolean:
		_, ok = parseBool(v)
		return v, ok
	}
	return v, true
}

func (fd *field) option(value string) (option, bool) {
	for _, o := range fd.options {
		if o.value == value || fd.addresses && sameAddress(o.value, value) {
			return o, true
		}
	}
	return option{}, false
}

// append writes the form for people to fill in or, with rows, to read.
func (f *form) append(dst []byte) []byte {
	kind := "form"
	if f.reported != nil || f.told {
		kind = "result"
	}
	dst = append(dst, "<x xmlns='"+NSForms+"' type='"+kind+"'>"...)
	dst = element(dst, "title", f.title)
	dst = element(dst, "instructions", f.instructions)
	if f.reported != nil {
		dst = append(dst, "<reported>"...)
		for i := range f.reported {
			dst = f.reported[i].append(dst)
		}
		dst = append(dst, "</reported>"...)
	}
	for i := range f.fields {
		dst = f.fields[i].append(dst)
	}
	for _, row := range f.rows {
		dst = append(dst, "<item>"...)
		for i, v := range row {
			dst = append(dst, "<field var='"...)
			dst = stream.AppendAttr(dst, f.reported[i].name)
			dst = append(dst, "'>"...)
			dst = element(dst, "value", v)
			dst = append(dst, "</field>"...)
		}
		dst = append(dst, "</item>"...)
	}
	return append(dst, "</x>"...)
}

func (fd *field) append(dst []byte) []byte {
	dst = append(dst, "<field type='"...)
	dst = append(dst, kindNames[fd.kind]...)
	dst = attribute(append(dst, '\''), "var", fd.name)
	dst = attribute(dst, "label", fd.label)
	dst = append(dst, '>')
	dst = element(dst, "desc", fd.desc)
	if fd.datatype != "" {
		dst = fd.appendValidate(dst)
	}
	if fd.required {
		dst = append(dst, "<required/>"...)
	}
	for _, v := range fd.values {
		dst = append(dst, "<value>"...)
		dst = stream.AppendText(dst, v)
		dst = append(dst, "</value>"...)
	}
	options := fd.options
	if fd.shown > 0 {
		options = options[:fd.shown]
	}
	for _, o := range options {
		dst = attribute(append(dst, "<option"...), "label", o.label)
		dst = append(dst, "><value>"...)
		dst = stream.AppendText(dst, o.value)
		dst = append(dst, "</value></option>"...)
	}
	return append(dst, "</field>"...)
}

func (fd *field) appendValidate(dst []byte) []byte {
	dst = append(dst, "<validate xmlns='"+nsValidate+"' datatype='"...)
	dst = append(dst, fd.datatype...)
	if fd.max > 0 {
		return append(dst, "'><range min='"+itoa(fd.min)+"' max='"+itoa(fd.max)+"'/></validate>"...)
	}
	return append(dst, "'><basic/></validate>"...)
}

// element appends a simple element, nothing for an empty text.
func element(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	dst = append(append(append(dst, '<'), name...), '>')
	dst = stream.AppendText(dst, text)
	return append(append(append(dst, "</"...), name...), '>')
}

// attribute appends an attribute, nothing for an empty value.
func attribute(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(append(dst, ' '), name...), "='"...)
	return append(stream.AppendAttr(dst, value), '\'')
}

// maxChoices bounds what the choices of one form come to in bytes, so that a
// reply stays well below the smallest stanza limit servers use.
const maxChoices = 48 << 10

// fits returns how many of the options may be sent, 0 for all of them.
func fits(options []option) int {
	size := 0
	for i, o := range options {
		// Escaping may lengthen a byte to six.
		size += len("<option label=''><value></value></option>") + len(attribute(nil, "", o.label)) + len(stream.AppendText(nil, o.value))
		if size > maxChoices && i > 0 {
			return i
		}
	}
	return 0
}
