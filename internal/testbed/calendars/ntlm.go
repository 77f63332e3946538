package calendars

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" // MS-NLMP says so
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"unicode/utf16"

	"golang.org/x/crypto/md4" //nolint:staticcheck // MS-NLMP says MD4, and this is a fake of an old server
)

var ntlmSignature = []byte("NTLMSSP\x00")

// ntlm takes one step of the handshake of MS-NLMP on the request's connection and
// reports whether that is authenticated; otherwise it has answered.
func ntlm(w http.ResponseWriter, r *http.Request, user, password string) bool {
	c, _ := r.Context().Value(connKey{}).(*conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token == "" {
		if c.user != "" {
			return true
		}
		ntlmRefuse(w)
		return false
	}
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(raw) < 12 || !bytes.HasPrefix(raw, ntlmSignature) {
		ntlmRefuse(w)
		return false
	}
	switch binary.LittleEndian.Uint32(raw[8:]) {
	case 1:
		c.challenge = make([]byte, 8)
		_, _ = rand.Read(c.challenge)
		w.Header().Set("WWW-Authenticate", scheme+" "+base64.StdEncoding.EncodeToString(challenge(c.challenge)))
		w.WriteHeader(http.StatusUnauthorized)
		return false
	case 3:
		if c.challenge != nil && proves(raw, c.challenge, user, password) {
			c.user, c.challenge = user, nil
			return true
		}
	}
	c.challenge = nil
	ntlmRefuse(w)
	return false
}

func ntlmRefuse(w http.ResponseWriter) {
	w.Header().Add("WWW-Authenticate", "Negotiate")
	w.Header().Add("WWW-Authenticate", "NTLM")
	w.WriteHeader(http.StatusUnauthorized)
}

// challenge is the CHALLENGE_MESSAGE of MS-NLMP 2.2.1.2.
func challenge(nonce []byte) []byte {
	const (
		header = 48
		flags  = 0x00000001 | 0x00000200 | 0x00008000 | 0x00080000 | 0x00800000 | 0x20000000 | 0x80000000
	)
	domain := utf16le("CONTOSO")
	info := append(field(2, domain), 0, 0, 0, 0) // MsvAvNbDomainName, MsvAvEOL
	b := append([]byte(nil), ntlmSignature...)
	b = binary.LittleEndian.AppendUint32(b, 2)
	b = located(b, len(domain), header)
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = append(b, nonce...)
	b = append(b, make([]byte, 8)...)
	b = located(b, len(info), header+len(domain))
	b = append(b, domain...)
	return append(b, info...)
}

func field(id uint16, value []byte) []byte {
	b := binary.LittleEndian.AppendUint16(nil, id)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

func located(b []byte, n, at int) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(n))
	b = binary.LittleEndian.AppendUint16(b, uint16(n))
	return binary.LittleEndian.AppendUint32(b, uint32(at))
}

// proves checks the NTLMv2 response of an AUTHENTICATE_MESSAGE (MS-NLMP 3.3.2).
func proves(raw, nonce []byte, user, password string) bool {
	part := func(at int) []byte {
		if len(raw) < at+8 {
			return nil
		}
		n, off := int(binary.LittleEndian.Uint16(raw[at:])), int(binary.LittleEndian.Uint32(raw[at+4:]))
		if off+n > len(raw) {
			return nil
		}
		return raw[off : off+n]
	}
	response, domain, name := part(20), part(28), part(36)
	want := user
	if _, after, ok := strings.Cut(user, `\`); ok {
		want = after
	}
	if len(response) < 16 || !bytes.EqualFold(name, utf16le(want)) {
		return false
	}
	hash := md4.New()
	hash.Write(utf16le(password))
	key := hmacMD5(hash.Sum(nil), append(utf16le(strings.ToUpper(want)), domain...))
	return hmac.Equal(response[:16], hmacMD5(key, append(append([]byte(nil), nonce...), response[16:]...)))
}

func hmacMD5(key, data []byte) []byte {
	m := hmac.New(md5.New, key)
	m.Write(data)
	return m.Sum(nil)
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}
