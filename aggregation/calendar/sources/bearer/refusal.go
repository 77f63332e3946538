package bearer

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/oauth2"

	"presenced/aggregation/calendar/sources"
	"presenced/aggregation/calendar/sources/outbound"
)

// ErrRefused is the cause of a fault where the token server itself refused: what
// the token was for was not asked.
var ErrRefused = errors.New("the token server refuses")

var errNoToken = errors.New("the answer has no token that is valid")

// plain is an error in our words; the cause stays for decisions.
type plain struct {
	text  string
	cause error
}

func (p *plain) Error() string { return p.text }
func (p *plain) Unwrap() error { return p.cause }

// carrier lets oauth2 send through an outbound.Client, within a ctx that it would
// forget, and remembers a failure that it would make text of.
type carrier struct {
	ctx    context.Context //nolint:containedctx // lives as long as one request
	client *outbound.Client
	err    error
}

// RoundTrip sends a request for a token.
func (c *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	const maxForm = 64 << 10
	body, err := io.ReadAll(io.LimitReader(req.Body, maxForm))
	if err != nil {
		return nil, err
	}
	_ = req.Body.Close()
	resp, err := c.client.Do(c.ctx, outbound.Request{Method: req.Method, URL: req.URL.String(), Header: req.Header, Body: body})
	if resp == nil || resp.Status >= 300 && !refused(resp.Status) || resp.Status < 300 && err != nil {
		c.err = err
		return nil, err
	}
	return &http.Response{StatusCode: resp.Status, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(resp.Body)), Request: req}, nil
}

// refused are the statuses under which RFC 6749 section 5.2 tells why.
func refused(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
}

// stay keeps oauth2 from following redirects; outbound has followed those it may.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// entra finds the code Microsoft's identity platform gives.
var entra = regexp.MustCompile(`\bAADSTS\d{4,8}\b`)

// token is a word that may be repeated: it is from a fixed list of the RFC, but a
// server that is not one could write anything.
var word = regexp.MustCompile(`^[a-z_]{1,40}$`)

// remedies say what to do about a code; the first that is found counts. blocked:
// it is known who asks, and a rule of the tenant is against it.
var remedies = []struct {
	code, remedy string
	blocked      bool
}{
	{"AADSTS7000215", "the client secret is wrong: give its value, not its id", false},
	{"AADSTS7000222", "the client secret has expired: make a new one", false},
	{"AADSTS700016", "the tenant has no such application: see the client id and the tenant", false},
	{"AADSTS90002", "there is no such tenant: see its spelling and the cloud it is in", false},
	{"AADSTS50034", "the tenant does not know the account", false},
	{"AADSTS53003", "a conditional access policy of the tenant blocks this: let the application pass", true},
	{"AADSTS65001", "nobody has consented: grant the application's permissions as an administrator", true},
	{"AADSTS7000112", "the application is disabled in the tenant: enable it", true},
	{"reasonable timeframe", "the clock of this machine is wrong: set it", false},
	{"signature", "the key file is not of this account, or its key was deleted: download a new one", false},
	{"account not found", "the service account was deleted, or is disabled", false},
	{"unauthorized_client", "grant the client its scopes: for Google in the admin console under domain-wide delegation, exactly these", false},
	{"invalid_grant", "the user named is unknown or suspended, or the key is not valid any more", false},
	{"invalid_client", "see the client id and the secret", false},
	{"invalid_scope", "see the scope: for Microsoft it is the server's URL followed by /.default", false},
}

// refusal is the fault that a token endpoint's refusal is. Its text is not
// repeated: some servers send the secret back in it.
func refusal(host string, err error) error {
	f := &sources.Fault{Kind: sources.Unauthorized, Remedy: "see the credentials of this source"}
	re, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		f.Kind, f.Err = sources.Malformed, &plain{host + ": no token could be made or read", nil}
		f.Remedy = "see the token URL and the key"
		return f
	}
	var body struct {
		Code string `json:"error"`
		Text string `json:"error_description"`
	}
	_ = json.Unmarshal(re.Body, &body)
	what := "refused"
	if word.MatchString(body.Code) {
		what = body.Code
	}
	if code := entra.FindString(body.Text); code != "" {
		what += " " + code
	}
	f.Err = &plain{host + ": no token: " + what, ErrRefused}
	all := strings.ToLower(body.Code + " " + body.Text)
	for _, r := range remedies {
		if strings.Contains(all, strings.ToLower(r.code)) {
			f.Remedy = r.remedy
			if r.blocked {
				f.Kind = sources.Forbidden
			}
			break
		}
	}
	return f
}

func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "the token server"
	}
	return u.Host
}

// Key is a service account's, as its key file has it.
type Key struct {
	Email, ID, PrivateKey, TokenURL string
}

// ParseKey reads the JSON file that Google gives for a service account.
func ParseKey(raw []byte) (Key, error) {
	const maxFile = 64 << 10
	var file struct {
		Type        string `json:"type"`
		ClientEmail string `json:"client_email"`
		PrivateKey  string `json:"private_key"`
		ID          string `json:"private_key_id"`
		TokenURI    string `json:"token_uri"`
	}
	if len(raw) > maxFile || json.Unmarshal(raw, &file) != nil {
		return Key{}, errors.New("the key file is no JSON: download the key of the service account as JSON")
	}
	block, _ := pem.Decode([]byte(file.PrivateKey))
	switch {
	case file.Type != "service_account":
		return Key{}, errors.New("the key file is not of a service account: create a key under IAM, service accounts")
	case file.ClientEmail == "" || block == nil:
		return Key{}, errors.New("the key file has no private_key or client_email: download it anew")
	}
	k := Key{Email: file.ClientEmail, ID: file.ID, PrivateKey: file.PrivateKey, TokenURL: file.TokenURI}
	if k.TokenURL == "" {
		k.TokenURL = "https://oauth2.googleapis.com/token"
	}
	return k, nil
}
