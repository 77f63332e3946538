package component

import (
	"context"

	"presenced/internal/engine"
	"presenced/internal/presence"
)

// answerVCard answers with what is granted of the person (XEP-0054); nothing
// granted gives an empty card.
func (l *link) answerVCard(ctx context.Context, q *asked) {
	v := l.lookOne(ctx, q, engine.WayCard)
	var photo []byte
	if p, ok := l.picture(ctx, q, v); ok {
		photo = appendPhoto(nil, p)
	}
	l.result(q, appendVCard(nil, v, photo))
}

// phones are the fields that become TEL elements, with their kinds.
var phones = [...]struct {
	field presence.Field
	kind  string
}{
	{presence.FieldWorkPhone, "<WORK/><VOICE/>"},
	{presence.FieldMobilePhone, "<CELL/>"},
	{presence.FieldHomePhone, "<HOME/><VOICE/>"},
	{presence.FieldOtherPhone, "<VOICE/>"},
}

// appendVCard appends the card; photo is the element for it, which v grants, or
// nothing.
func appendVCard(dst []byte, v *presence.View, photo []byte) []byte {
	const open = "<vCard xmlns='" + nsVCard + "'"
	dst = append(dst, open+">"...)
	body := len(dst)
	dst = appendElement(dst, "FN", v.Text[presence.FieldName])
	dst = append(dst, photo...)
	dst = appendWrapped(dst, "ADR", "<WORK/>",
		[2]string{"EXTADD", v.Text[presence.FieldOffice]}, [2]string{"LOCALITY", v.Text[presence.FieldLocation]})
	for _, p := range phones {
		dst = appendWrapped(dst, "TEL", p.kind, [2]string{"NUMBER", v.Text[p.field]})
	}
	dst = appendWrapped(dst, "EMAIL", "<INTERNET/>", [2]string{"USERID", v.Text[presence.FieldEmail]})
	dst = appendElement(dst, "TITLE", v.Text[presence.FieldTitle])
	dst = appendWrapped(dst, "ORG", "", [2]string{"ORGNAME", v.Text[presence.FieldCompany]})
	if len(dst) == body {
		return append(dst[:body-1], "/>"...)
	}
	return append(dst, "</vCard>"...)
}

// appendWrapped appends an element that holds kind and parts, or nothing where
// every part is empty.
func appendWrapped(dst []byte, name, kind string, parts ...[2]string) []byte {
	start := len(dst)
	dst = append(dst, '<')
	dst = append(dst, name...)
	dst = append(dst, '>')
	dst = append(dst, kind...)
	body := len(dst)
	for _, p := range parts {
		dst = appendElement(dst, p[0], p[1])
	}
	if len(dst) == body {
		return dst[:start]
	}
	dst = append(dst, "</"...)
	dst = append(dst, name...)
	return append(dst, '>')
}
