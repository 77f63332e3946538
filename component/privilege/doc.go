// Package privilege reads and writes the dialects of XEP-0356 (privileged
// entity) and XEP-0355 (namespace delegation) that servers speak to a
// component: which permissions a host granted, the requests a host delegates
// and the answers to them.
//
// Guarantees: both versions of either namespace are understood, an answer is
// in the namespace of the request, permissions are found at any depth of an
// advert (one server nests them wrongly), and what an advert does not grant is
// not granted.
//
// It does not know which host may advertise what: the caller compares the
// sender. It keeps no state and sends nothing.
package privilege

import "strings"

// The namespaces of XEP-0356 and XEP-0355, up to the version number.
const (
	nsPrivilege  = "urn:xmpp:privilege:"
	nsDelegation = "urn:xmpp:delegation:"
	nsForward    = "urn:xmpp:forward:0"
	nsClient     = "jabber:client"
	nsStanzas    = "urn:ietf:params:xml:ns:xmpp-stanzas"
)

// versionOf returns the version of a namespace that starts with prefix: 1 or
// 2, and 0 for any other namespace.
func versionOf(space, prefix string) int {
	rest, ok := strings.CutPrefix(space, prefix)
	switch {
	case ok && rest == "1":
		return 1
	case ok && rest == "2":
		return 2
	}
	return 0
}

// IsDelegationNode reports whether a disco#info node is one of those by which
// a host asks for the features of a delegated namespace (XEP-0355 §7.2), in
// either nesting.
func IsDelegationNode(node string) bool {
	rest, ok := strings.CutPrefix(node, nsDelegation)
	if !ok {
		return false
	}
	_, rest, ok = strings.Cut(rest, ":")
	return ok && (strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, "bare:"))
}

// DelegationVersion returns the version of a delegation namespace: 1 or 2, and
// 0 for any other namespace.
func DelegationVersion(space string) int { return versionOf(space, nsDelegation) }
