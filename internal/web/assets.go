package web

import (
	"crypto/sha256"
	_ "embed" // what is served as it is
	"encoding/base64"
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
	sum := sha256.Sum256(content)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("ETag", tag)
		head.Set("Cache-Control", "public, max-age=300")
		head.Set("Access-Control-Allow-Origin", "*")
		head.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		if matches(r.Header.Values("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		head.Set("Content-Type", kind)
		head.Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content) // a client that left is no fault of ours
	}
}
