package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"mellium.im/xmpp/jid"
)

// The checks of single texts. Each returns what is wrong and what to write.

func notEmpty(s string) (message, remedy string) {
	if strings.TrimSpace(s) == "" {
		return "is empty", "write a text"
	}
	return "", ""
}

// word accepts what can stand in a key, a file name or a log without quotes.
func word(s string) (message, remedy string) {
	bad := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar }
	if s == "" || strings.ContainsFunc(s, bad) {
		return "not one word", "write a text without spaces"
	}
	return "", ""
}

// token accepts an activity token: lower-case letters, digits and hyphens.
func token(s string) (message, remedy string) {
	bad := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }
	if s == "" || strings.ContainsFunc(s, bad) {
		return "not a token", `write lower-case letters, digits and hyphens, such as "in-a-meeting"`
	}
	return "", ""
}

// categories are what a policy can withhold (SEMANTICS S3).
var categories = []string{
	"state", "activity", "interrupt", "name", "email", "title", "company", "photo", "office", "workPhone", "mobilePhone",
	"homePhone", "otherPhone", "location", "timezone", "workingHours", "freeBusy", "device", "notePersonal", "noteOOF",
	"meetingSubject", "meetingLocation", "lastActive",
}

// cell accepts a category, alone or with the base container that shall not see it.
func cell(s string) (message, remedy string) {
	category, container, one := strings.Cut(s, " ")
	if !slices.Contains(categories, category) {
		remedy = "write " + oneOf(categories)
		if near := nearest(category, categories); near != "" {
			remedy = fmt.Sprintf("did you mean %q? %s", near, remedy)
		}
		return "not a category", remedy
	}
	if one && !slices.Contains([]string{"100", "200", "300", "400"}, container) {
		return "not a category and a container", "write 100, 200, 300 or 400 after " + category + ", or nothing for all of them"
	}
	return "", ""
}

const notADomain = "not a domain"

func domain(s string) (message, remedy string) {
	if !isDomain(s) {
		return notADomain, `write a name such as "example.org"`
	}
	return "", ""
}

// isDomain reports whether s is a domain that a JID can have (RFC 7622 section
// 3.2): names and IPv4 addresses; an address in brackets is refused, as no
// served host has one.
func isDomain(s string) bool {
	const longest = 253 // of a DNS name without its last dot
	if s == "" || len(s) > longest {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		bad := func(r rune) bool {
			return r < 0x80 && !isASCIIAlnum(r) && r != '-' || !unicode.IsGraphic(r) || unicode.IsSpace(r)
		}
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, bad) ||
			strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	j, err := jid.Parse(s)
	return err == nil && j.Localpart() == "" && j.Resourcepart() == ""
}

func isASCIIAlnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func domainPattern(s string) (message, remedy string) {
	if !isDomain(strings.TrimPrefix(s, "*.")) {
		return notADomain, `write "example.org", or "*.example.org" for everything below it`
	}
	return "", ""
}

func bareJID(s string) (message, remedy string) {
	j, err := jid.Parse(s)
	switch {
	case err != nil || j.Localpart() == "" || !isDomain(j.Domainpart()):
		return "not a JID", `write an address such as "alice@example.org"`
	case j.Resourcepart() != "":
		return "not a bare JID", "leave out the / and what follows it"
	}
	return "", ""
}

// wallJID accepts "*", a bare JID or a domain.
func wallJID(s string) (message, remedy string) {
	if s == "*" || isDomain(s) {
		return "", ""
	}
	if message, remedy = bareJID(s); message != "" {
		return message, remedy + `; or a domain, or "*" for everybody`
	}
	return "", ""
}

// comparable form of a JID or domain: one address, one text (SEMANTICS S2.7).
func normal(s string) string {
	j, err := jid.Parse(s)
	if err != nil {
		return strings.ToLower(s)
	}
	return j.Bare().String()
}

func domainOf(s string) string {
	s = normal(s)
	return s[strings.LastIndexByte(s, '@')+1:]
}

func address(s string) (message, remedy string) {
	const usage = `write host and port, such as "127.0.0.1:5347"`
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "not an address", usage
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "not an address: the port must be 1 to 65535", usage
	}
	if _, err := netip.ParseAddr(host); err != nil && !isDomain(host) {
		return "not an address: the host is missing or wrong", usage
	}
	return "", ""
}

// listenAddress also accepts an empty host (every interface) and port 0.
func listenAddress(s string) (message, remedy string) {
	const usage = `write host and port, such as "127.0.0.1:8085", or "" for none`
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "not an address to listen on", usage
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "not an address to listen on: the port must be 0 to 65535", usage
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && !isDomain(host) {
		return "not an address to listen on: the host is wrong", usage
	}
	return "", ""
}

// isLoopback reports whether only this machine can reach a listen address.
func isLoopback(s string) bool {
	host, _, _ := net.SplitHostPort(s)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// network accepts what netip.ParsePrefix does.
func network(s string) (message, remedy string) {
	if _, err := netip.ParsePrefix(s); err != nil {
		return "not a network", `write one such as "10.20.0.0/16" or "fd00::/8"`
	}
	return "", ""
}

func absolutePath(s string) (message, remedy string) {
	if !strings.HasPrefix(s, "/") || strings.ContainsRune(s, 0) {
		return "not an absolute path", "write a path that begins with /"
	}
	return "", ""
}

// maxSocketPath is the longest unix socket path Linux takes (sun_path is 108
// bytes with the final zero).
const maxSocketPath = 107

func socketPath(s string) (message, remedy string) {
	if len(s) > maxSocketPath {
		return "is too long for a socket", "write a path of at most 107 bytes"
	}
	return absolutePath(s)
}

// resource accepts what every server takes for a resource without changing it.
func resource(s string) (message, remedy string) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	if len(s) > 64 || strings.Trim(s, letters) != "" {
		return "not a resource", `write letters, digits, "-", "_" and ".", such as "presence"`
	}
	return "", ""
}

func timezone(s string) (message, remedy string) {
	if s != "" && s != "Local" {
		if _, err := time.LoadLocation(s); err == nil {
			return "", ""
		}
	}
	return "not a known time zone", `write a name such as "Europe/Berlin" or "UTC"`
}

func redisURL(s string) (message, remedy string) {
	if _, err := ParseRedis(s); err != nil {
		return "not a Redis URL: " + err.Error(), `write a URL such as "redis://127.0.0.1:6379/0"`
	}
	return "", ""
}

// prefix is one word without the braces that are Redis' hash tags.
func prefix(s string) (message, remedy string) {
	if strings.ContainsAny(s, "{}") {
		return "holds a brace", "leave { and } out: they decide where Redis Cluster keeps a key"
	}
	return word(s)
}

// sourceURL accepts a web address, a file URL or a path.
func sourceURL(s string) (message, remedy string) {
	scheme, rest, found := strings.Cut(s, "://")
	switch {
	case strings.ContainsAny(s, "\r\n\x00"):
	case strings.HasPrefix(s, "/"), strings.HasPrefix(s, "file:/"):
		return "", ""
	case found && (scheme == "https" || scheme == "http") && rest != "" && rest[0] != '/':
		return "", ""
	}
	return "not a URL", `write an address such as "https://dav.example.org/{user}/", or a file's path for ics`
}
