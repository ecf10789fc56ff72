package graphiteapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/logmetrics/logmetrics/internal/lazy"
)

// spillAt is how many bytes of an answer are gathered before they are sent.
const spillAt = 64 << 10

// callback is what a script may be asked to call: nothing that would be a script itself.
var callback = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_$][\w$.]{0,63}$`) }}

// reply is an answer in JSON, spelled as Python spells it. What was appended to
// buf is sent by spill and end.
type reply struct {
	w      http.ResponseWriter
	buf    []byte
	code   int
	kind   string // Content-Type
	ascii  bool   // other letters are escaped
	pretty bool
	script bool   // JSONP
	call   string // of it; "": the JSON is in brackets
	begun  bool
}

// newReply returns an answer in the form that the request wants: for scripts with
// "jsonp", for eyes with "pretty".
func newReply(w http.ResponseWriter, r *http.Request, p params) (*reply, error) {
	j := &reply{w: w, code: http.StatusOK, kind: "application/json", ascii: true, call: p.get("jsonp"), pretty: p.get("pretty") != ""}
	// Only /render takes a name that is empty for one.
	if j.script = j.call != "" || p.has("jsonp") && strings.HasPrefix(r.URL.Path, "/render"); j.script {
		if j.call != "" && !callback.Get().MatchString(j.call) {
			return nil, fault{http.StatusBadRequest, "jsonp must be the name of a function"}
		}
		j.kind = "text/javascript"
		j.buf = append(append(j.buf, j.call...), '(')
	}
	return j, nil
}

// unicode makes letters beyond ASCII stay as they are, unless the client says
// that it takes nothing but JSON.
func (j *reply) unicode(r *http.Request) {
	if accept := r.Header.Get("Accept"); accept != "" && accept != "application/json" {
		j.ascii = false
		j.kind += ";charset=utf-8"
	}
}

// fresh asks caches to keep nothing.
func (j *reply) fresh() {
	j.w.Header().Set("Pragma", "no-cache")
	j.w.Header().Set("Cache-Control", "no-cache")
}

func (j *reply) raw(s string) { j.buf = append(j.buf, s...) }

func (j *reply) string(s string) { j.buf = appendString(j.buf, s, j.ascii) }

func (j *reply) int(n int64) { j.buf = strconv.AppendInt(j.buf, n, 10) }

// strings appends a list of strings.
func (j *reply) strings(list []string) {
	j.raw("[")
	for i, s := range list {
		j.comma(i)
		j.string(s)
		j.spill()
	}
	j.raw("]")
}

// comma appends what stands before item i of a list.
func (j *reply) comma(i int) {
	if i > 0 {
		j.raw(", ")
	}
}

// spill sends what was gathered if it is enough.
func (j *reply) spill() {
	if len(j.buf) >= spillAt && !j.pretty {
		j.send()
	}
}

func (j *reply) send() {
	if !j.begun {
		j.begun = true
		j.w.Header().Set("Content-Type", j.kind)
		j.w.WriteHeader(j.code)
	}
	_, _ = j.w.Write(j.buf) // the client's loss
	j.buf = j.buf[:0]
}

// end sends the rest.
func (j *reply) end() error {
	if j.pretty {
		j.indent()
	}
	if j.script {
		j.raw(")")
	}
	if !j.begun {
		j.w.Header().Set("Content-Length", strconv.Itoa(len(j.buf)))
	}
	j.send()
	return nil
}

func (j *reply) indent() {
	from := 0
	if j.script {
		from = len(j.call) + 1
	}
	var out bytes.Buffer
	if json.Indent(&out, j.buf[from:], "", "  ") == nil {
		j.buf = append(j.buf[:from], out.Bytes()...)
	}
}

const hexDigits = "0123456789abcdef"

// appendString appends s as Python's json does, with ascii all beyond it as escapes.
func appendString(dst []byte, s string, ascii bool) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' || c >= 0x7f && !ascii {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		r, n := utf8.DecodeRuneInString(s[i:])
		dst = appendEscape(dst, r)
		i += n
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

// What has an escape of one letter, and the letters.
const (
	short   = "\"\\\n\r\t\b\f"
	letters = "\"\\nrtbf"
)

func appendEscape(dst []byte, r rune) []byte {
	if i := strings.IndexRune(short, r); i >= 0 {
		return append(dst, '\\', letters[i])
	}
	if r > 0xffff {
		r -= 0x10000
		return appendHex(appendHex(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
	}
	return appendHex(dst, r)
}

func appendHex(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
