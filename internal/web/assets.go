package web

import (
	_ "embed" // what is served as it is
	"net/http"
	"strconv"
)

var (
	//go:embed openapi.yaml
	description []byte
	//go:embed indicator.js
	indicatorScript []byte
	//go:embed page.html
	pageText []byte
	//go:embed page.js
	pageScript []byte
	//go:embed page.css
	pageStyle []byte
)

// asset serves a file that is the same for everybody. Pages of any origin may
// load it, since it holds nothing of anybody.
func asset(kind string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		head := w.Header()
		head.Set("Content-Type", kind)
		head.Set("Content-Length", strconv.Itoa(len(content)))
		head.Set("Cache-Control", "public, max-age=300")
		head.Set("Access-Control-Allow-Origin", "*")
		head.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		_, _ = w.Write(content) // a client that left is no fault of ours
	}
}
