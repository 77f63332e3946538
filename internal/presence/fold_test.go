package presence

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"strings"
	"testing"
)

// nodeprep is the digest of what nodeprep makes of each single character beyond
// ASCII that it changes: lines of the character, a space and its image in
// hexadecimal, from the tables B.2 of RFC 3454 and NFKC of Unicode 3.2. Left out are
// the five of Corrigendum 4 and what is mapped to nothing.
const nodeprep = "f5135f437a09883fc2622589eeedd7af0f795ce1bd79574fb50c4ff06df270e7"

// TestFold_OfOneCharacterIsNodeprep, or it is refused, for all of Unicode. A table
// of a later Unicode that merges another character with one there was fails here.
func TestFold_OfOneCharacterIsNodeprep(t *testing.T) {
	sum, changed := sha256.New(), 0
	each := func(from, to rune) {
		for r := from; r <= to; r++ {
			if image, ok := foldLocal(string(r)); ok && image != string(r) {
				changed++
				writeImage(sum, r, image)
			}
		}
	}
	each(0x80, 0xD7FF)
	each(0xE000, 0x2FFFF)
	each(0xE0000, 0xE0FFF)
	if got := fmt.Sprintf("%x", sum.Sum(nil)); got != nodeprep {
		t.Errorf("%d characters change, with the digest %s; want that of nodeprep", changed, got)
	}
}

func writeImage(sum hash.Hash, r rune, image string) {
	line := fmt.Sprintf("%x", r)
	for _, c := range image {
		line += fmt.Sprintf(" %x", c)
	}
	_, _ = sum.Write([]byte(line + "\n")) // a hash does not fail
}

// TestParseJID_OneAccountOnEveryServer: what nodeprep servers take as one account is
// one here, whatever a client wrote.
func TestParseJID_OneAccountOnEveryServer(t *testing.T) {
	for _, group := range [][]string{
		{"alice@example.org", "al\u00adice@example.org", "\u200balice@example.org", "alice\ufeff@example.org", "A\u2060LICE@example.org",
			"ali\ufe0fce@example.org", "alice@exam\u00adple.org", "𝐀𝐥𝐢𝐜𝐞@example.org", "ⓐlice@example.org", "Alice@EXAMPLE.ORG/x"},
		{"καλός@example.org", "ΚΑΛΌΣ@example.org", "καλόσ@example.org", "ΚΑΛΟ\u0301Σ@example.org"},
		{"nguyễn@example.org", "NGUYỄN@example.org", "nguye\u0302\u0303n@example.org"},
		{"한글@example.org", "\u1112\u1161\u11ab\u1100\u1173\u11af@example.org"},
		{`a\40b@example.org`, `a＼40b@example.org`, `a\４０b@example.org`, `A\40B@example.org`},
		{`d\27artagnan@example.org`, "D\\27Artagn\u00adan@example.org", "d'artagnan@example.org"},
		{`c\3a\5c5cb@example.org`, `c:\5c5cb@example.org`},
		{`c\3a\5c5commas@example.org`, `C\3A\5C5Commas@example.org`},
		{"ᎠᎡ@example.org"},
	} {
		want := MustAddr(group[0])
		for _, s := range group {
			if got, err := ParseAddr(s); err != nil || got != want {
				t.Errorf("ParseAddr(%+q) = %q, %v; want the key of %q", s, got.Key(), err, group[0])
			}
		}
		if again, err := ParseAddr(want.String()); err != nil || again != want {
			t.Errorf("%q parses to %q, %v", want.String(), again.Key(), err)
		}
	}
}

// TestParseJID_RefusesWhatMayBeTwoAccounts: each would have the key of somebody else,
// who has another account on a server with nodeprep or with PRECIS.
func TestParseJID_RefusesWhatMayBeTwoAccounts(t *testing.T) {
	for name, s := range map[string]string{
		"a letter in a square, Unicode 5.2":         "🄰lice@example.org",
		"capital sharp s, Unicode 5.1":              "stra\u1e9ee@example.org",
		"a small letter whose capital is older":     "\u2d00@example.org",
		"a Cherokee small letter, Unicode 8":        "\uab70@example.org",
		"a mark that orders, Unicode 5.1":           "alice\u1dcd@example.org",
		"a corrected ideograph":                     "\U0002f868@example.org",
		"a iota that moves in normalisation":        "α\u0345\u0301@example.org",
		"an escaped backslash that need not be":     `corp\5cbob@example.org`,
		"a full-width escape of the same":           `corp＼5cbob@example.org`,
		"a full-width @":                            "a＠b@example.org",
		"a slash inside a sign":                     "a℀b@example.org",
		"nothing that is seen":                      "\u00ad@example.org",
		"a domain of IDNA 2003 and another of 2008": "alice@straße.example",
		"a final sigma in a domain":                 "alice@ελλάς.example",
		"a joiner in a domain":                      "alice@exam\u200dple.org",
		"a young letter in a domain":                "alice@ex🄰mple.org",
		"a full-width @ in a domain":                "alice@a＠example.org",
		"a domain that is not seen":                 "alice@\u00ad",
		"a domain of dots":                          "..",
	} {
		if a, err := ParseAddr(s); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: ParseAddr(%+q) = %q, %v; want ErrAddress", name, s, a.Key(), err)
		} else if strings.ContainsAny(err.Error(), "\n\t") {
			t.Errorf("%s: the error is not one line: %v", name, err)
		}
	}
}

// FuzzParseJID: no text panics, and what is accepted has one key for all its forms.
func FuzzParseJID(f *testing.F) {
	for _, s := range []string{"alice@example.org/x", "al\u00adice@exam\u200bple.org", `a\5c40b@BÜCHER.example`, "α\u0345\u0301@ß", "＠@。"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j, err := ParseJID(s)
		if err != nil {
			return
		}
		again, err := ParseAddr(j.Addr.String())
		if err != nil || again != j.Addr {
			t.Errorf("%+q has the key %+q, which is written %+q and parses to %+q, %v", s, j.Addr.Key(), j.Addr.String(), again.Key(), err)
		}
	})
}
