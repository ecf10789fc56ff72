package graphiteapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
)

// maxParams is how many parameters a request may have: ten times as many targets
// as a query may have.
const maxParams = 10_000

// params are what a request says, by name: the values of its URL, then those of
// its body. Where one value is wanted the last one counts, as in graphite-web.
type params map[string][]string

// readParams reads the URL's query and a body that is a form, of either kind.
// Names and values are as browsers send them, or not encoded at all:
// "query=servers.{a,b}.*;k=v" says what it looks like.
func readParams(r *http.Request) (params, error) {
	p := params{}
	if err := p.add(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if r.Method != http.MethodPost || r.Body == nil {
		return p, nil
	}
	kind, more, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "multipart/form-data":
		return p, p.addParts(multipart.NewReader(r.Body, more["boundary"]))
	case err == nil && kind != "application/x-www-form-urlencoded":
		return p, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return p, p.add(strings.TrimRight(string(body), "\r\n"))
}

// add reads "a=1&b=2". Unlike net/url it takes ';' and a stray '%' as they are.
func (p params) add(text string) error {
	n := p.len()
	for part := range strings.SplitSeq(text, "&") {
		if part == "" {
			continue
		}
		if n++; n > maxParams {
			return tooManyParams()
		}
		name, value, _ := strings.Cut(part, "=")
		name = unescape(name)
		p[name] = append(p[name], unescape(value))
	}
	return nil
}

// addParts reads the parts of a multipart form that are no files.
func (p params) addParts(parts *multipart.Reader) error {
	for n := p.len(); ; n++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return asked(fmt.Errorf("read form: %w", err))
		}
		if n >= maxParams {
			return tooManyParams()
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return asked(fmt.Errorf("read form: %w", err))
		}
		if name := part.FormName(); name != "" && part.FileName() == "" {
			p[name] = append(p[name], strings.ToValidUTF8(string(value), "\uFFFD"))
		}
	}
}

func (p params) len() (n int) {
	for _, values := range p {
		n += len(values)
	}
	return n
}

func tooManyParams() error {
	return limited{fault{http.StatusBadRequest, fmt.Sprintf("more than %d parameters", maxParams)}}
}

// has reports whether the request says anything of name.
func (p params) has(name string) bool { return len(p[name]) > 0 }

// get returns the last value of name, "" when there is none.
func (p params) get(name string) string {
	if values := p[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// list returns all values of name, or of "name[]", as some libraries write lists.
func (p params) list(name string) []string {
	if values := p[name]; len(values) > 0 {
		return values
	}
	return p[name+"[]"]
}

// number returns the last value of name, or a default.
func (p params) number(name string, otherwise int) (int, error) {
	if !p.has(name) {
		return otherwise, nil
	}
	text := p.get(name)
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0, invalid("Invalid int value %s for param %s: invalid literal for int() with base 10: %[1]s", quoted(text), name)
	}
	return n, nil
}

// flag reports whether the number name is there and not 0.
func (p params) flag(name string) (bool, error) {
	n, err := p.number(name, 0)
	return n != 0, err
}

// quoted returns a text as Python shows it in most cases.
func quoted(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", `\'`) + "'"
}

// unescape is url.QueryUnescape that leaves alone what is no escape.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			out = append(out, ' ')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return strings.ToValidUTF8(string(out), "\uFFFD")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}
