package serve

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil"
)

// answering runs a server with one handler until the test ends.
func answering(t *testing.T, s *web, h http.Handler) (address string) {
	t.Helper()
	var err error
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.log = slog.New(slog.DiscardHandler)
	if s.maxConnections == 0 {
		s.maxConnections = 100
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.run(ctx, s.counted(h)) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		testutil.LeakCheck(t)
	})
	return s.listener.Addr().String()
}

// TestConnectionsAreBounded: who is beyond the limit is closed at once, and there
// is room again when others have gone.
func TestConnectionsAreBounded(t *testing.T) {
	s := &web{maxConnections: 3}
	address := answering(t, s, http.NotFoundHandler())
	var held []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		held = append(held, c)
	}
	testutil.Eventually(t, 10*time.Second, func() bool { return s.open.Load() == 3 })
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err, "closed")
	assert.Equal(t, uint64(1), s.refused.Load())

	require.NoError(t, held[0].Close())
	testutil.Eventually(t, 10*time.Second, func() bool { return s.open.Load() == 2 })
	c, err = net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1 404 Not Found\r\n", line)
}

// TestAPanicIsAnAnswer: and is counted; the others go on.
func TestAPanicIsAnAnswer(t *testing.T) {
	s := new(web)
	address := answering(t, s, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("what nobody thought of") }))
	for range 2 {
		resp, err := http.Get("http://" + address) //nolint:noctx // the server ends with the test
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, 500, resp.StatusCode)
	}
	assert.Equal(t, uint64(2), s.panics.Load())
	assert.Equal(t, uint64(2), s.answers[5].Load())
	http.DefaultClient.CloseIdleConnections()
}

// TestTheEndWaitsForAnswers: one that is being made is sent; a client that never
// finishes its request holds nobody up for longer than the limit.
func TestTheEndWaitsForAnswers(t *testing.T) {
	s := &web{maxConnections: 10, log: slog.New(slog.DiscardHandler)}
	var err error
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	handled := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.ReadAll(r.Body) // which never ends
			return
		}
		cancel()
		<-time.After(100 * time.Millisecond) // the end has begun
		_, _ = io.WriteString(w, "whole")
	})
	go func() { ended <- s.run(ctx, handled) }()
	slow, err := net.Dial("tcp", s.listener.Addr().String())
	require.NoError(t, err)
	defer slow.Close()
	_, err = io.WriteString(slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
	require.NoError(t, err)
	testutil.Eventually(t, 10*time.Second, func() bool { return s.accepted.Load() == 1 })
	resp, err := http.Get("http://" + s.listener.Addr().String()) //nolint:noctx // the server ends with the test
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, "whole", string(text))
	began := time.Now()
	require.NoError(t, <-ended)
	assert.Less(t, time.Since(began), httpEndTime+time.Second)
	http.DefaultClient.CloseIdleConnections()
}

// writeCertificate makes a certificate for localhost.
func writeCertificate(t *testing.T, dir string, serial int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	from := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, from, from, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return certFile, keyFile
}

// TestCertificatesAreRenewed while the server answers; one with a mistake is not taken.
func TestCertificatesAreRenewed(t *testing.T) {
	dir := t.TempDir()
	certificate, err := loadCertificate(writeCertificate(t, dir, 1))
	require.NoError(t, err)
	address := answering(t, &web{certificate: certificate}, http.NotFoundHandler())
	serial := func() string {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // who it is, is what is asked
		require.NoError(t, err)
		defer conn.Close()
		return fmt.Sprint(conn.ConnectionState().PeerCertificates[0].SerialNumber)
	}
	assert.Equal(t, "1", serial())
	writeCertificate(t, dir, 2)
	require.NoError(t, certificate.reload())
	assert.Equal(t, "2", serial())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cert.pem"), nil, 0o600))
	require.ErrorContains(t, certificate.reload(), "read certificate: ")
	assert.Equal(t, "2", serial())

	_, err = tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}) //nolint:gosec // what is too old is refused
	require.Error(t, err)
}
