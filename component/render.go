package component

import (
	"strconv"
	"time"

	"presenced/component/stream"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// unavailable is all that an offline, hidden or unknown presentity shows (I2).
var unavailable = []byte(" type='unavailable'/>")

// Render appends a view as presence, from behind the addresses to the end tag.
// The bytes depend on the view and the language alone; an end on another day
// makes the text name the date.
func (c *Component) Render(dst []byte, v *presence.View, lang string) []byte {
	if lang == "" {
		lang = c.o.Language
	}
	show, status := v.Show(), text.Status(lang, v)
	if show == presence.ShowUnavailable {
		if v.Activity == "" && v.Until.IsZero() && status == "" || v.Availability == presence.Unset {
			return append(dst, unavailable...)
		}
		dst = append(dst, " type='unavailable'>"...)
	} else {
		dst = append(dst, '>')
		dst = appendElement(dst, "show", show.String())
	}
	dst = appendElement(dst, "status", status)
	if show != presence.ShowUnavailable {
		if !v.LastActive.IsZero() {
			dst = append(dst, "<idle xmlns='urn:xmpp:idle:1' since='"...)
			dst = append(appendInstant(dst, v.LastActive), "'/>"...)
		}
		dst = append(dst, c.texts.mirror.caps...)
		if hash := v.Text[presence.FieldPhoto]; hash != "" {
			// Clients ask for a picture when they are told its hash (XEP-0153 §3.2).
			dst = append(dst, "<x xmlns='"+nsPhotoUpdate+"'>"...)
			dst = append(appendElement(dst, "photo", hash), "</x>"...)
		}
	}
	dst = append(dst, "<enhanced xmlns='"+stream.NSOwn+"'"...)
	dst = append(appendState(dst, v), "/></presence>"...)
	return dst
}

// appendState appends the attributes availability, activity and until.
func appendState(dst []byte, v *presence.View) []byte {
	dst = append(dst, " availability='"...)
	dst = strconv.AppendUint(dst, uint64(v.Availability), 10)
	dst = append(dst, '\'')
	return appendDetail(dst, v)
}

// appendDetail appends the attributes activity and until, each where granted.
func appendDetail(dst []byte, v *presence.View) []byte {
	dst = appendAttribute(dst, "activity", string(v.Activity))
	if !v.Until.IsZero() {
		dst = append(dst, " until='"...)
		dst = append(appendInstant(dst, v.Until), '\'')
	}
	return dst
}

// appendInstant appends an instant to the second (XEP-0082).
func appendInstant(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05Z")
}
