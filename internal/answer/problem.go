package answer

import (
	"encoding/json"
	"net/http"
)

// ProblemType is the media type of a problem.
const ProblemType = "application/problem+json"

// ProblemError is an error over HTTP (RFC 9457).
type ProblemError struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`          // says what to do
	Field  string `json:"field,omitempty"` // the value at fault
}

// Error returns the detail, which says what to do.
func (p *ProblemError) Error() string { return p.Detail }

// Write answers with the problem; the title is that of the status.
func (p *ProblemError) Write(w http.ResponseWriter) {
	p.Title = http.StatusText(p.Status)
	w.Header().Set("Content-Type", ProblemType)
	w.Header().Set("Cache-Control", "no-store") // it may be over in a moment
	w.WriteHeader(p.Status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // people read it, and no browser takes it for HTML
	_ = e.Encode(p)        // a client that left is no fault of ours
}
