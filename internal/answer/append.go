package answer

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"presenced/internal/presence"
	"presenced/internal/text"
)

// byName are the fields in the order in which encoding/json writes a map.
var byName = func() (out [presence.NumFields]presence.Field) {
	for f := range presence.NumFields {
		out[f] = f
	}
	slices.SortFunc(out[:], func(a, b presence.Field) int { return cmp.Compare(a.String(), b.String()) })
	return out
}()

// Append appends what encoding/json makes of Of(user, lang, v): the same bytes without
// a map, for answers that are asked for thousands of times a second.
func Append(dst []byte, user, lang string, v *presence.View) []byte {
	dst = appendText(append(dst, `{"user":`...), user)
	dst = strconv.AppendInt(append(dst, `,"availability":`...), int64(v.Availability), 10)
	for _, m := range [...]struct{ name, value string }{
		{`,"show":`, v.Show().String()}, {`,"activity":`, string(v.Activity)}, {`,"status":`, text.Status(lang, v)},
	} {
		if m.value != "" {
			dst = appendText(append(dst, m.name...), m.value)
		}
	}
	if !v.Until.IsZero() {
		dst = appendInstant(append(dst, `,"until":`...), v.Until)
	}
	dst = strconv.AppendBool(append(dst, `,"interrupt":`...), v.Interrupt)
	dst = append(dst, `,"fields":{`...)
	first := true
	for _, f := range byName {
		last := f == presence.FieldLastActive && !v.LastActive.IsZero()
		if v.Text[f] == "" && !last {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, '"'), f.String()...), `":`...)
		if last {
			dst = appendInstant(dst, v.LastActive)
		} else {
			dst = appendText(dst, v.Text[f])
		}
	}
	return append(dst, "}}"...)
}

// appendText appends a string as encoding/json does; what is not plain, it does itself.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			quoted, _ := json.Marshal(s) // a string cannot fail to
			return append(dst, quoted...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

func appendInstant(dst []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(dst, '"'), time.RFC3339), '"')
}
