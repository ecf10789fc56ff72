package schema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"sync/atomic"
	"time"

	"github.com/dlclark/regexp2/v2"

	"github.com/logmetrics/logmetrics/internal/lazy"
)

// A search for a pattern that only the backtracking engine has ends after
// searchTimeout; one that reached it maxTimeouts times is given up. Names come
// from the network.
const (
	searchTimeout = 100 * time.Millisecond
	maxTimeouts   = 10
)

// pattern is a regular expression of Python, searched for anywhere in a name.
type pattern struct {
	text     string
	plain    *plain          // nil: one of the following
	std      *regexp.Regexp  // linear time; nil where its syntax lacks something
	back     *regexp2.Regexp // then this
	timeouts atomic.Int32
}

// fromZero finds Python's {,n}, which other engines take for its characters.
var fromZero = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\{,\d+\}`) }}

func compilePattern(text string) (*pattern, error) {
	if fromZero.Get().MatchString(text) {
		return nil, errors.New("write {0,n} for {,n}")
	}
	p := &pattern{text: text}
	std, refused := regexp.Compile(text)
	if refused == nil {
		p.std, p.plain = std, plainOf(text)
		return p, nil
	}
	back, err := regexp2.Compile(text, regexp2.RE2)
	if err != nil {
		var fault *syntax.Error
		if errors.As(refused, &fault) {
			return nil, fmt.Errorf("%s: %s", fault.Code, cut(fault.Expr))
		}
		return nil, err
	}
	back.MatchTimeout = searchTimeout
	p.back = back
	return p, nil
}

// found reports whether the pattern is in name. What cannot be decided in time
// is not.
func (p *pattern) found(name string) bool {
	if p.plain != nil {
		return p.plain.found(name)
	}
	if p.std != nil {
		return p.std.MatchString(name)
	}
	if p.exhausted() {
		return false
	}
	ok, err := p.back.MatchString(name)
	if err != nil {
		p.timeouts.Add(1)
	}
	return err == nil && ok
}

func (p *pattern) exhausted() bool { return p.timeouts.Load() >= maxTimeouts }
