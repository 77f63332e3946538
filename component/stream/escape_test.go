package stream

import (
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendText(t *testing.T) {
	for _, c := range []struct{ in, text, attr string }{
		{"", "", ""},
		{"plain", "plain", "plain"},
		{`&<>'"`, "&amp;&lt;&gt;&apos;&quot;", "&amp;&lt;&gt;&apos;&quot;"},
		{"]]>", "]]&gt;", "]]&gt;"},
		{"a\nb\tc\rd", "a\nb\tc&#13;d", "a&#10;b&#9;c&#13;d"},
		{"\x00\x1f\x7f", "\uFFFD\uFFFD\x7f", "\uFFFD\uFFFD\x7f"},
		{"\xff\xfe€\xe2\x82", "\uFFFD\uFFFD€\uFFFD\uFFFD", "\uFFFD\uFFFD€\uFFFD\uFFFD"},
		{"\uFFFE\uFFFF\uFFFD😀", "\uFFFD\uFFFD\uFFFD😀", "\uFFFD\uFFFD\uFFFD😀"},
		{"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD", "\uFFFD\uFFFD\uFFFD"},
	} {
		if got := string(AppendText([]byte(">"), c.in)); got != ">"+c.text {
			t.Errorf("AppendText(%q) = %q, want %q", c.in, got, c.text)
		}
		if got := string(AppendAttr(nil, []byte(c.in))); got != c.attr {
			t.Errorf("AppendAttr(%q) = %q, want %q", c.in, got, c.attr)
		}
	}
}

func TestAppendText_DoesNotAllocate(t *testing.T) {
	in := "grüße & <b> 😀 \x00 and some ordinary text that is long enough to matter"
	raw, dst := []byte(in), make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		dst = AppendAttr(AppendText(dst[:0], in), raw)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// sanitized is what a reader should get back, written as plainly as possible.
func sanitized(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if !xmlChar(r) {
			r = utf8.RuneError
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}

// FuzzAppend writes any input as text and attribute and reads it back by
// encoding/xml and by Scan.
func FuzzAppend(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		frame := append(AppendAttr([]byte("<presence from='"), in), "' to=\""...)
		frame = append(AppendAttr(frame, []byte(in)), "\"><status>"...)
		frame = append(AppendText(frame, in), "</status></presence>"...)
		var p struct {
			From   string `xml:"from,attr"`
			To     string `xml:"to,attr"`
			Status string `xml:"status"`
		}
		if err := xml.Unmarshal(frame, &p); err != nil {
			t.Fatalf("%q as %q: %v", in, frame, err)
		}
		var s Stanza
		if err := Scan(frame, &s); err != nil {
			t.Fatalf("%q as %q: %v", in, frame, err)
		}
		want := sanitized(in)
		for _, got := range []string{p.From, p.To, p.Status, string(s.From), string(s.To), string(s.Status)} {
			if got != want {
				t.Fatalf("%q came back as %q, want %q", in, got, want)
			}
		}
	})
}
