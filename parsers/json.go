package parsers

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/logmetrics/logmetrics/internal/logtime"
	"github.com/logmetrics/logmetrics/metric"
)

// The Json parser reads one JSON value a line, as in
//
//	{"ts": 1795229892, "req": {"count": 41, "ms": 160.22}, "gauges": [0.53, 5]}
//
// and yields each number under the keys and list indexes that lead to it: here
// the gauges ts, req.count, req.ms, gauges.0 and gauges.1, in the unit of the
// log. Options make counters (summed), timers (seconds) and sets (numbers and
// strings) of some, leave others out, and count lines by a value. Strings,
// booleans and nulls alone yield nothing. A key that a line has twice counts
// as its last value; keys that look the same once joined are one series.
//
// In Logster's clothes each number is a gauge, as a Python int or float by its
// literal. Logster sends the last line's keys alone, in the object's order;
// here each key's last value is sent, sorted by name.

// jsonAction is what becomes of a leaf.
type jsonAction uint8

const (
	jsonSkip jsonAction = iota
	jsonCount
	jsonLevel
	jsonTime
	jsonMember
)

// jsonRule says what becomes of the leaves whose path it matches.
type jsonRule struct {
	keys   []string // "*" is any one key, a last "**" any number of them
	action jsonAction
	scale  float64 // timers: seconds a unit
}

// jsonOptions are the parser's own options.
type jsonOptions struct {
	separator string
	rules     []jsonRule // the first that matches counts
	countBy   []string
	timeKeys  []string // the first that a line has counts
}

// defaultTimeKeys are where the usual writers put the time of a line.
var defaultTimeKeys = []string{"time", "@timestamp", "timestamp", "ts", "msec", "instant.epochSecond", "timeMillis"}

func parseJSONOptions(args []string) (o jsonOptions, err error) {
	fs := newFlags("JsonParser")
	fs.StringVar(&o.separator, "key-separator", ".", "`text` that joins keys to names")
	fs.also("key-separator", "k")
	var rules []jsonGiven
	rule := func(name string, action jsonAction, usage string) {
		fs.Func(name, usage+" (repeatable)", func(path string) error {
			rules = append(rules, jsonGiven{action, path})
			return nil
		})
	}
	rule("skip", jsonSkip, "leave out this `path` of keys; * is any key, ** at the end any keys")
	rule("counter", jsonCount, "add up the numbers at this `path`")
	rule("gauge", jsonLevel, "send the last number at this `path`, as is done without any option")
	rule("timer", jsonTime, "`path` of durations, in seconds or as in PATH:ms (ns, us, ms, s, m, h)")
	rule("set", jsonMember, "count the distinct numbers and strings at this `path`")
	listVar(fs, &o.countBy, "count-by", "count lines, tagged by the value at this `path` (repeatable)")
	listVar(fs, &o.timeKeys, "time-key", "`path` of the time of the line: ISO 8601, or Unix seconds or milliseconds (repeatable; default "+strings.Join(defaultTimeKeys, ", ")+")")
	if err := parseFlags(fs, args); err != nil {
		return o, err
	}
	if err := o.set(rules); err != nil {
		return o, fs.wrong(err)
	}
	return o, nil
}

// jsonGiven is a rule as it was given.
type jsonGiven struct {
	action jsonAction
	path   string
}

// set makes the rules, which the separator must be known for.
func (o *jsonOptions) set(rules []jsonGiven) error {
	if o.separator == "" {
		return errors.New("the key separator is empty")
	}
	if len(o.timeKeys) == 0 {
		for _, path := range defaultTimeKeys {
			o.timeKeys = append(o.timeKeys, strings.ReplaceAll(path, ".", o.separator))
		}
	}
	for _, given := range rules {
		r, err := o.rule(given.action, given.path)
		if err != nil {
			return err
		}
		o.rules = append(o.rules, r)
	}
	return nil
}

// listVar declares an option that may be given several times.
func listVar(fs *flags, list *[]string, name, usage string) {
	fs.Func(name, usage, func(s string) error {
		if s == "" {
			return errors.New("it is empty")
		}
		*list = append(*list, s)
		return nil
	})
}

func (o *jsonOptions) rule(action jsonAction, path string) (jsonRule, error) {
	r := jsonRule{action: action, scale: 1}
	if action == jsonTime {
		if i := strings.LastIndexByte(path, ':'); i >= 0 {
			scale, ok := secondsPer([]byte(path[i+1:]))
			if !ok {
				return r, fmt.Errorf("the unit of timer %q is none of ns, us, ms, s, m, h", path)
			}
			path, r.scale = path[:i], scale
		}
	}
	if path == "" {
		return r, errors.New("a path is empty")
	}
	r.keys = strings.Split(path, o.separator)
	return r, nil
}

// matches reports whether the rule is for path.
func (r *jsonRule) matches(path, separator []byte) bool {
	for i, key := range r.keys {
		if key == "**" && i == len(r.keys)-1 {
			return true
		}
		node, rest, more := bytes.Cut(path, separator)
		if key != "*" && key != string(node) {
			return false
		}
		if last := i == len(r.keys)-1; last || !more {
			return last && !more
		}
		path = rest
	}
	return false
}

// secondsPer returns how many seconds a unit of time has.
func secondsPer(unit []byte) (seconds float64, ok bool) {
	switch string(unit) {
	case "ns":
		return 1e-9, true
	case "us", "µs":
		return 1e-6, true
	case "ms":
		return 1e-3, true
	case "s":
		return 1, true
	case "m":
		return 60, true
	case "h":
		return 3600, true
	}
	return 1, false
}

func newJSON(opt Options, rec *metric.Recorder) (Parser, error) {
	o, err := parseJSONOptions(opt.Args)
	if err != nil {
		return nil, err
	}
	p := &jsonParser{
		options:  o,
		alias:    opt.Alias,
		wantTime: opt.WantTime,
		times:    logtime.New(opt.Zone),
		by:       make([]jsonBy, len(o.countBy)),
		scanner:  jsonScanner{sep: []byte(o.separator), words: opt.WantTime || len(o.countBy) > 0},
	}
	for i, path := range o.countBy {
		p.by[i].family = rec.Family("lines", metric.Counter, string(metric.AppendNode(nil, []byte(path))))
	}
	for i := range o.rules {
		p.scanner.words = p.scanner.words || o.rules[i].action == jsonMember
	}
	return p, nil
}
