package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func key(t *testing.T, fill byte) *Key {
	t.Helper()
	k, err := ParseKey(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, keySize)) + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOpen_OnlyWhatWasSealedForTheContext(t *testing.T) {
	k, plain := key(t, 1), []byte("https://cal.example.net/private-4711.ics")
	sealed := k.Seal("alice", plain)
	if bytes.Contains(sealed, []byte("4711")) {
		t.Fatalf("sealed is %q", sealed)
	}
	if again := k.Seal("alice", plain); bytes.Equal(again, sealed) {
		t.Error("the same text is sealed to the same bytes")
	}
	if got, ok := k.Open("alice", sealed); !ok || !bytes.Equal(got, plain) {
		t.Errorf("opened %q, %t; want %q", got, ok, plain)
	}
	changed := func(i int) []byte {
		c := bytes.Clone(sealed)
		c[i] ^= 1
		return c
	}
	for name, c := range map[string]struct {
		key     *Key
		context string
		sealed  []byte
	}{
		"another key": {key(t, 2), "alice", sealed}, "another context": {k, "bob", sealed},
		"another version": {k, "alice", changed(0)}, "another nonce": {k, "alice", changed(1)},
		"another byte": {k, "alice", changed(20)}, "cut": {k, "alice", sealed[:len(sealed)-1]},
		"short": {k, "alice", sealed[:5]}, "nothing": {k, "alice", nil},
	} {
		if got, ok := c.key.Open(c.context, c.sealed); ok {
			t.Errorf("%s: opened %q", name, got)
		}
	}
}

func TestParseKey_RefusesWithoutTellingIt(t *testing.T) {
	for _, text := range []string{"", "secret", base64.StdEncoding.EncodeToString([]byte("short")), strings.Repeat("A", 88)} {
		if _, err := ParseKey(text); !errors.Is(err, ErrKey) || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v; want ErrKey", text, err)
		}
	}
}
