package stream

import (
	"crypto/sha1" // the protocol's choice (XEP-0114 §3), no other is defined
	"encoding/hex"
)

// Footer is the end tag that closes our side of the stream.
const Footer = "</stream:stream>"

// AppendHeader appends the opening of our side of the stream to domain, the
// component's own (XEP-0114 §3).
func AppendHeader(dst []byte, domain string) []byte {
	dst = append(dst, "<?xml version='1.0'?><stream:stream xmlns='"+NSAccept+"' xmlns:stream='"+NSStreams+"' to='"...)
	dst = AppendAttr(dst, domain)
	return append(dst, "'>"...)
}

// AppendHandshake appends the handshake element for the peer's Header.ID.
func AppendHandshake(dst []byte, id, secret string) []byte {
	dst = append(dst, "<handshake>"...)
	dst = append(dst, HandshakeDigest(id, secret)...)
	return append(dst, "</handshake>"...)
}

// HandshakeDigest returns the lower-case hexadecimal SHA-1 of the stream id,
// decoded, followed by the shared secret in UTF-8.
func HandshakeDigest(id, secret string) string {
	sum := sha1.Sum([]byte(id + secret))
	return hex.EncodeToString(sum[:])
}
