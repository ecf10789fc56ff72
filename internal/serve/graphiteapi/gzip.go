package graphiteapi

import (
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// compressFrom is from how many bytes an answer is compressed: below it a packet is a packet.
const compressFrom = 1400

// compressed makes answers smaller for clients that say they take gzip. Level 1 makes JSON of points five times smaller
// at 200 MB/s and more.
func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if !takesGzip(r) {
			next.ServeHTTP(w, r)
			return
		}
		z := &gzipped{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(z, r) // when it panics nothing was sent yet, or all is lost
		z.close()
	})
}

func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, "gzip") && strings.ReplaceAll(quality, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

var gzipWriters = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one
	return z
}}

// gzipped decides by the first bytes whether the rest is compressed.
type gzipped struct {
	http.ResponseWriter
	code  int
	begun bool
	zip   *gzip.Writer // nil: as it is
}

// WriteHeader implements http.ResponseWriter: the code is kept until it is known how the body goes.
func (g *gzipped) WriteHeader(code int) { g.code = code }

// Write implements http.ResponseWriter.
func (g *gzipped) Write(b []byte) (int, error) {
	if !g.begun {
		g.begin(len(b) >= compressFrom && g.Header().Get("Content-Encoding") == "" && !strings.HasPrefix(g.Header().Get("Content-Type"), "image/png"))
	}
	if g.zip != nil {
		return g.zip.Write(b)
	}
	return g.ResponseWriter.Write(b)
}

func (g *gzipped) begin(zip bool) {
	g.begun = true
	if zip {
		g.Header().Set("Content-Encoding", "gzip")
		g.Header().Del("Content-Length")
		g.zip = gzipWriters.Get().(*gzip.Writer)
		g.zip.Reset(g.ResponseWriter)
	}
	g.ResponseWriter.WriteHeader(g.code)
}

// close sends what is left.
func (g *gzipped) close() {
	if !g.begun {
		g.begin(false)
	}
	if g.zip != nil {
		_ = g.zip.Close() // the client's loss
		gzipWriters.Put(g.zip)
	}
}
