// Package answer is what HTTP answers look like on every listener, and what
// presenced prints for programs: a presence, and a problem (RFC 9457).
//
// It adds nothing to what it is given: of a view only what the view grants.
package answer
