package web

import (
	_ "embed" // the description
	"net/http"
	"strconv"
)

//go:embed openapi.yaml
var description []byte

// serveDescription tells what there is.
func serveDescription(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Content-Length", strconv.Itoa(len(description)))
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(description)
}
