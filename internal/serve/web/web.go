// Package web is the page: what a browser loads from the server, embedded in the
// binary.
//
// It promises that the page needs nothing but this server, that no script and no
// style runs but its own files', and that a file crosses the network once. It
// knows no metric: the page asks the HTTP API, as any other client does. Start
// from [Handler].
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/logmetrics/logmetrics/internal/lazy"
)

//go:embed static/*.html static/*.css static/*.svg static/js static/vendor/*.js static/vendor/*.css static/vendor/LICENSE.*
var static embed.FS

// policy lets the page load its own files and ask its own server, nothing else;
// nobody else's page may frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// file is a file as it is sent.
type file struct {
	kind        string // its Content-Type
	plain, gzip []byte // gzip is nil where it would save nothing
	tag         string // its ETag
}

// Handler returns what answers GET for the page at / and for its files. Each
// answer may be kept by the browser, which asks whether it is still the same.
func Handler() (http.Handler, error) { return packed() }

// packed packs the files once, which takes longer than all else of a start.
var packed = sync.OnceValues(func() (http.Handler, error) {
	files := make(map[string]file)
	root, err := fs.Sub(static, "static")
	if err != nil {
		return nil, fmt.Errorf("open the page: %w", err)
	}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		files["/"+name], err = pack(name, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pack the page: %w", err)
	}
	return handler(files), nil
})

// Files are the patterns of [http.ServeMux] that Handler answers.
func Files() []string {
	return []string{"GET /{$}", "GET /js/", "GET /vendor/", "GET /app.css", "GET /later.css", "GET /icon.svg"}
}

func pack(name string, b []byte) (file, error) {
	if !strings.HasPrefix(name, "vendor/") && (path.Ext(name) == ".js" || path.Ext(name) == ".css") {
		b = bare(b)
	}
	f := file{kind: mime.TypeByExtension(path.Ext(name)), plain: b}
	if path.Ext(name) == ".js" {
		f.kind = "text/javascript; charset=utf-8" // whatever this machine's tables say
	}
	sum := sha256.Sum256(b)
	f.tag = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return f, fmt.Errorf("compress %s: %w", name, err)
	}
	_, _ = w.Write(b) // a Buffer takes all
	_ = w.Close()
	if z.Len() < len(b) {
		f.gzip = z.Bytes()
	}
	return f, nil
}

// cast tells a checker of types what something is, within a line of a script.
var cast = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`/\*\* @type .*?\*/ ?`) }}

// bare is a script or sheet of ours without indentation, comments that stand
// alone and types: a third of what crosses the network. Lines stay where they are,
// so that what a browser says of one leads to its source.
func bare(script []byte) []byte {
	var out []byte
	comment := false
	for line := range bytes.Lines(script) {
		line = bytes.TrimSpace(line)
		ends := bytes.HasSuffix(line, []byte("*/"))
		begins := bytes.HasPrefix(line, []byte("/*")) && (ends || !bytes.Contains(line, []byte("*/")))
		if !comment && !begins && !bytes.HasPrefix(line, []byte("//")) {
			out = append(out, cast.Get().ReplaceAll(line, nil)...)
		}
		comment = (comment || begins) && !ends
		out = append(out, '\n')
	}
	return out
}

func handler(files map[string]file) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path
		if name == "/" {
			name = "/index.html"
		}
		f, ok := files[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		f.send(w, r)
	})
}

func (f file) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.tag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if f.gzip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.gzip
	}
	_, _ = w.Write(body) // the client's loss
}
