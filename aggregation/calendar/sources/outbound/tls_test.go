package outbound

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"presenced/aggregation/calendar/sources"
)

// secure starts a server whose certificate is for a name until a time.
func secure(t *testing.T, name string, until time.Time) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshakes are meant to go wrong
	srv.StartTLS()
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return srv, pool
}

func TestDo_TLSFaultsSayWhatIsWrong(t *testing.T) {
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	good, pool := secure(t, "localhost", tomorrow)
	expired, expiredPool := secure(t, "localhost", yesterday)
	other, otherPool := secure(t, "calendar.example.org", tomorrow)
	open := httptest.NewServer(http.NotFoundHandler())
	defer open.Close()
	tests := []struct {
		name string
		srv  *httptest.Server
		pool *x509.CertPool
		want string // in the error or the remedy
	}{
		{"unknown authority", good, nil, "authority"},
		{"expired", expired, expiredPool, "renew"},
		{"another name", other, otherPool, "calendar.example.org"},
		{"no TLS", open, pool, "http://"},
	}
	for _, tt := range tests {
		c := New(Options{Anywhere: true, RootCAs: tt.pool})
		port := portOf(tt.srv.URL)
		_, err := c.Do(t.Context(), Request{URL: "https://localhost:" + port + "/s3cret"})
		if f := wantKind(t, tt.name, err, sources.BadTLS); !strings.Contains(f.Error()+f.Remedy, tt.want) {
			t.Errorf("%s: %v; %s: want %q in it", tt.name, err, f.Remedy, tt.want)
		}
		c.Close()
	}
	for proto, http1 := range map[string]bool{"HTTP/2.0": false, "HTTP/1.1": true} {
		c := New(Options{Anywhere: true, RootCAs: pool, HTTP1: http1})
		port := portOf(good.URL)
		resp, err := c.Do(t.Context(), Request{URL: "https://localhost:" + port + "/"})
		if err != nil || string(resp.Body) != proto {
			t.Errorf("got %+v, %v, want an answer over %s", resp, err, proto)
		}
		c.Close()
	}
}
