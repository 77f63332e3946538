package sources

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"
)

// The placeholders of an address that stands for many users' calendars.
const (
	userPlace = "{user}" // the local part of the bare JID
	jidPlace  = "{jid}"  // the bare JID
)

const fileScheme = "file:"

// IsTemplate reports whether an address has a placeholder.
func IsTemplate(address string) bool {
	return strings.Contains(address, userPlace) || strings.Contains(address, jidPlace)
}

// CheckTemplate tells an operator what is wrong with an address, a template or
// not; nil: nothing. The error does not repeat the address.
func CheckTemplate(address string) error {
	_, err := Expand(address, "user@example.org")
	return err
}

// Expand puts a user into an address: a path, or a URL with a scheme. What is
// put in stays one segment of the path, or one value of the query; elsewhere a
// placeholder is an error, since it would choose the server. A name that would
// lead out of its directory is refused (a local part may be ".."). The error is
// a *Fault of kind Refused.
func Expand(address, user string) (string, error) {
	if !IsTemplate(address) {
		return address, nil
	}
	local, _, found := strings.Cut(user, "@")
	if !found {
		local = ""
	}
	put := func(text string, escape func(string) string) string {
		return strings.NewReplacer(userPlace, escape(local), jidPlace, escape(user)).Replace(text)
	}
	if local == "" && strings.Contains(address, userPlace) || user == "" {
		return "", badName("the user has no name to put in the address")
	}
	if !strings.Contains(address, "://") && !strings.HasPrefix(strings.ToLower(address), fileScheme) {
		return expandPath(address, put, user)
	}
	scheme, rest, _ := strings.Cut(address, ":")
	host, path := "", rest
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		end := strings.IndexAny(after, "/?#")
		if end < 0 {
			end = len(after)
		}
		host, path = "//"+after[:end], after[end:]
	}
	if IsTemplate(scheme) || IsTemplate(host) {
		return "", badName("a placeholder may stand in the path or the query, not before")
	}
	path, query, hasQuery := strings.Cut(path, "?")
	path = put(path, url.PathEscape)
	if hasQuery {
		path += "?" + put(query, url.QueryEscape)
	}
	if climbs(path) || strings.EqualFold(scheme, "file") && strings.ContainsAny(user, "/\x00") {
		return "", badName("the user's name would lead to another directory")
	}
	return scheme + ":" + host + path, nil
}

func expandPath(address string, put func(string, func(string) string) string, user string) (string, error) {
	path := put(address, func(s string) string { return s })
	if strings.ContainsAny(user, "/\x00") || climbs(path) {
		return "", badName("the user's name would lead to another directory")
	}
	return filepath.Clean(path), nil
}

// climbs reports whether a segment of a path is one that means another place,
// also after a server decoded it.
func climbs(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	for segment := range strings.SplitSeq(path, "/") {
		if plain, err := url.PathUnescape(segment); err == nil {
			segment = plain
		}
		for part := range strings.FieldsFuncSeq(segment, func(r rune) bool { return r == '/' || r == '\\' }) {
			if part == "." || part == ".." {
				return true
			}
		}
	}
	return false
}

func badName(what string) error {
	return &Fault{Kind: Refused, Err: errors.New(what), Remedy: "give this user a calendar of her own"}
}
