package presence

import "strings"

// escapes are the sequences of XEP-0106 §4 and the characters they stand for.
var escapes = [...]struct {
	seq  string
	char byte
}{
	{`\20`, ' '}, {`\22`, '"'}, {`\26`, '&'}, {`\27`, '\''}, {`\2f`, '/'},
	{`\3a`, ':'}, {`\3c`, '<'}, {`\3e`, '>'}, {`\40`, '@'}, {`\5c`, '\\'},
}

// Unescape undoes XEP-0106 once, left to right; unknown sequences stay as they
// are. Hexadecimal digits count in either case, since servers fold them.
func Unescape(local string) string {
	if strings.IndexByte(local, '\\') < 0 {
		return local
	}
	var b strings.Builder
	b.Grow(len(local))
	for i := 0; i < len(local); {
		if c, ok := escaped(local[i:]); ok {
			b.WriteByte(c)
			i += 3
			continue
		}
		b.WriteByte(local[i])
		i++
	}
	return b.String()
}

// Escape applies XEP-0106: the characters a local part may not hold, and a
// backslash only where it would otherwise read as an escape.
func Escape(local string) string {
	if !strings.ContainsAny(local, " \"&'/:<>@\\") {
		return local
	}
	var b strings.Builder
	b.Grow(len(local) + 8)
	for i := 0; i < len(local); i++ {
		c := local[i]
		if c == '\\' {
			if _, ok := escaped(local[i:]); !ok {
				b.WriteByte(c)
				continue
			}
		}
		b.WriteString(sequence(c))
	}
	return b.String()
}

// escapeBare escapes what XEP-0106 escapes but for backslashes: characters that no
// server lets through and that people write.
func escapeBare(local string) string {
	var b strings.Builder
	for i := 0; i < len(local); i++ {
		if c := local[i]; c == '\\' {
			b.WriteByte(c)
		} else {
			b.WriteString(sequence(c))
		}
	}
	return b.String()
}

func escaped(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '\\' {
		return 0, false
	}
	for _, e := range escapes {
		if strings.EqualFold(s[:3], e.seq) {
			return e.char, true
		}
	}
	return 0, false
}

func sequence(c byte) string {
	for _, e := range escapes {
		if e.char == c {
			return e.seq
		}
	}
	return string([]byte{c})
}
