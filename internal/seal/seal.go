// Package seal encrypts what the store keeps but whoever reads the store may not
// know: the addresses and passwords of users' calendars.
//
// What is sealed opens with the same key for the same context only, so that a copy
// put in another user's place is worth nothing. It is AES-256 in GCM with a random
// nonce for each text, of which one key takes 2^32.
//
// It keeps no key on disk and does not change keys: what was sealed with another
// one does not open any more.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"strings"
)

// keySize is that of AES-256, in bytes.
const keySize = 32

// version is the first byte of everything sealed.
const version = 1

// ErrKey is returned for a text that is no key.
var ErrKey = errors.New("not a key: write 32 random bytes in base64, as \"head -c 32 /dev/urandom | base64\" makes them")

// Key seals and opens. It is safe for many goroutines.
type Key struct{ gcm cipher.AEAD }

// ParseKey reads a key: 32 bytes in base64, blanks around it ignored. The error is
// ErrKey and does not hold the text.
func ParseKey(text string) (*Key, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != keySize {
		return nil, ErrKey
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, ErrKey
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, ErrKey
	}
	return &Key{gcm}, nil
}

// Seal encrypts a text for a context.
func (k *Key) Seal(context string, plain []byte) []byte {
	out := append(make([]byte, 0, 1+len(plain)+k.gcm.Overhead()), version)
	return k.gcm.Seal(out, nil, plain, []byte(context)) //nolint:gosec // it makes the nonce itself
}

// Open is the reverse of Seal; false for what was sealed with another key or for
// another context, was changed, or was never sealed.
func (k *Key) Open(context string, sealed []byte) ([]byte, bool) {
	if len(sealed) == 0 || sealed[0] != version {
		return nil, false
	}
	plain, err := k.gcm.Open(nil, nil, sealed[1:], []byte(context))
	return plain, err == nil
}
