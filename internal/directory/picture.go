package directory

import (
	"bytes"
	"crypto/sha1" // the hash by which XMPP names photos (XEP-0153 §4.1)
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxPicture is the largest photo in bytes (S9).
const MaxPicture = 30 << 10

// Picture is a photo with its media type and its SHA-1 in hexadecimal.
type Picture struct {
	Type, Hash string
	Data       []byte
}

// What is told of data that is no photo.
var (
	errTooLarge = fmt.Errorf("is larger than %d KiB; make the photo smaller, about 200 pixels wide", MaxPicture>>10)
	errNoType   = errors.New("is no PNG, JPEG or GIF image; convert it to one")
	errNoFile   = errors.New("is no plain file; name the file of the photo")
)

// magics are what files of each type begin with.
var magics = [...]struct{ typ, magic string }{
	{"image/png", "\x89PNG\r\n\x1a\n"},
	{"image/jpeg", "\xff\xd8\xff"},
	{"image/gif", "GIF87a"},
	{"image/gif", "GIF89a"},
}

// NewPicture checks a photo by what it holds, not by what it is called. The data
// is kept.
func NewPicture(data []byte) (Picture, error) {
	if len(data) > MaxPicture {
		return Picture{}, errTooLarge
	}
	for _, m := range magics {
		if bytes.HasPrefix(data, []byte(m.magic)) {
			sum := sha1.Sum(data)
			return Picture{Type: m.typ, Hash: hex.EncodeToString(sum[:]), Data: data}, nil
		}
	}
	return Picture{}, errNoType
}

// readPicture reads and checks the photo in a file.
func readPicture(path string) (Picture, error) {
	data, err := readFile(path, MaxPicture)
	if err != nil {
		return Picture{}, err
	}
	return NewPicture(data)
}

// readFile reads a plain file of at most limit bytes; a longer one gives
// errTooLarge. Anything but a plain file is not opened: a pipe would never end.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, errTooLarge
	}
	return data, nil
}
