package calendars

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"sync"
	"time"
)

// tokens is an authorization server and what an API accepts of it.
type tokens struct {
	mu     sync.Mutex // guards the rest
	good   map[string]*token
	issued int
	uses   int
	scope  string
}

// token is one that was issued.
type token struct {
	subject string
	left    int // uses; negative: any number
}

// ExpireAfter makes the tokens issued from now on end after n uses, whatever
// lifetime they were told with, as those of a revoked key or a skewed clock do.
func (t *tokens) ExpireAfter(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.uses = n
}

// ExpireAll ends every token that was issued.
func (t *tokens) ExpireAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.good = nil
}

// Issued returns how many tokens were given out.
func (t *tokens) Issued() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.issued
}

// Scope returns what the last token was asked for.
func (t *tokens) Scope() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.scope
}

func (t *tokens) issue(w http.ResponseWriter, subject, scope string) {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	secret := "tok-" + hex.EncodeToString(raw)
	t.mu.Lock()
	if t.good == nil {
		t.good = map[string]*token{}
	}
	left := -1
	if t.uses > 0 {
		left = t.uses
	}
	t.good[secret] = &token{subject: subject, left: left}
	t.issued++
	t.scope = scope
	t.mu.Unlock()
	write(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": secret})
}

// use takes one use of the request's token and returns whose it is.
func (t *tokens) use(r *http.Request) (subject string, ok bool) {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "", false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	tok := t.good[secret]
	if tok == nil || tok.left == 0 {
		return "", false
	}
	tok.left--
	return tok.subject, true
}

// clientCredentials answers RFC 6749 section 4.4, with the secret in the body or
// in Basic authentication.
func (t *tokens) clientCredentials(w http.ResponseWriter, r *http.Request, id, secret string) {
	if r.ParseForm() != nil || r.Method != http.MethodPost {
		oauthError(w, "invalid_request", "AADSTS900144: the body is not a form.")
		return
	}
	gotID, gotSecret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		gotID, gotSecret = user, password
	}
	switch {
	case r.PostForm.Get("grant_type") != "client_credentials":
		oauthError(w, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
	case gotID != id:
		oauthError(w, "unauthorized_client", "AADSTS700016: Application with identifier '"+gotID+"' was not found in the directory.")
	case gotSecret != secret:
		// The real one is known to repeat what it was sent.
		oauthError(w, "invalid_client", "AADSTS7000215: Invalid client secret provided: "+gotSecret)
	case r.PostForm.Get("scope") == "":
		oauthError(w, "invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
	default:
		t.issue(w, "", r.PostForm.Get("scope"))
	}
}

func oauthError(w http.ResponseWriter, code, text string) {
	status := http.StatusBadRequest
	if code == "invalid_client" {
		status = http.StatusUnauthorized
	}
	write(w, status, map[string]any{"error": code, "error_description": text})
}

// write answers in JSON.
func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// account is a service account of Google.
type account struct {
	email string
	key   *rsa.PrivateKey
}

// accountKey is made once: it takes a while, and nobody looks at it twice.
var accountKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newAccount() (*account, error) {
	key, err := accountKey()
	if err != nil {
		return nil, err
	}
	return &account{email: "presenced@project.iam.gserviceaccount.example", key: key}, nil
}

// file is the JSON key file an operator downloads.
func (a *account) file(tokenURL string) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{
		"type": "service_account", "project_id": "project", "private_key_id": "k1",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": a.email, "client_id": "1", "token_uri": tokenURL,
	})
}

// claims are those of the assertion of RFC 7523.
type claims struct {
	Iss   string `json:"iss"`
	Sub   string `json:"sub"`
	Scope string `json:"scope"`
	Aud   string `json:"aud"`
	Iat   int64  `json:"iat"`
	Exp   int64  `json:"exp"`
}

// verify checks an assertion and returns its claims, or what is wrong with it.
func (a *account) verify(assertion, audience string, now time.Time) (c claims, problem, text string) {
	part := strings.Split(assertion, ".")
	if len(part) != 3 {
		return c, "invalid_grant", "Bad Request"
	}
	body, err := base64.RawURLEncoding.DecodeString(part[1])
	signature, err2 := base64.RawURLEncoding.DecodeString(part[2])
	if err != nil || err2 != nil || json.Unmarshal(body, &c) != nil {
		return c, "invalid_grant", "Bad Request"
	}
	sum := sha256.Sum256([]byte(part[0] + "." + part[1]))
	switch {
	case rsa.VerifyPKCS1v15(&a.key.PublicKey, crypto.SHA256, sum[:], signature) != nil:
		return c, "invalid_grant", "Invalid JWT Signature."
	case c.Iss != a.email:
		return c, "invalid_grant", "Invalid grant: account not found"
	case c.Aud != audience:
		return c, "invalid_grant", "Invalid JWT: audience"
	case c.Iat > now.Unix()+300 || c.Exp < now.Unix() || c.Exp > c.Iat+3600+60:
		return c, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. " +
			"Check your iat and exp values in the JWT claim."
	}
	return c, "", ""
}
