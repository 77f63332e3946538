package stream

import (
	"strings"
	"testing"
)

func TestHandshakeDigest(t *testing.T) {
	// The example of XEP-0114 §3 names no secret; this is sha1("3BF96D32test").
	const want = "aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e"
	got := HandshakeDigest("3BF96D32", "test")
	if got != want || string(AppendHandshake(nil, "3BF96D32", "test")) != "<handshake>"+want+"</handshake>" {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendHeader_IsAHeader(t *testing.T) {
	open := AppendHeader(nil, "a'&<.example")
	f := NewFramer(strings.NewReader(string(open)+gone+Footer), Limits{})
	h, err := f.Header()
	if err != nil || h.To != "a'&<.example" {
		t.Fatalf("got %+v, %v", h, err)
	}
	if frames, err := drain(f); len(frames) != 1 || err.Error() != "EOF" {
		t.Errorf("got %q, %v", frames, err)
	}
}
