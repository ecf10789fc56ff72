package parsers

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/logmetrics/logmetrics/internal/rules"
	"github.com/logmetrics/logmetrics/metric"
)

// regexParser records what the user's own patterns find:
//
//	--counter='logins=sshd\[\d+\]: Accepted (?P<method>\w+) for'
//	Nov 21 03:08:44 host1 sshd[981]: Accepted publickey for alice from 192.0.2.7 port 50022 ssh2
//	logins;method=publickey  a counter of lines
//
// All metrics are those of the rules; docs/regex.md describes them.
type regexParser struct {
	engine *rules.Engine
	starts *regexp.Regexp // a line that starts a record; nil: each does
	cut    int            // records that were too long, since Problems was called
}

func newRegex(opt Options, rec *metric.Recorder) (Parser, error) {
	c, starts, err := regexConfig(opt)
	if err != nil {
		return nil, err
	}
	engine, err := rules.New(c, rules.Options{WantTime: opt.WantTime, Zone: opt.Zone}, rec)
	if err != nil {
		return nil, &UsageError{Parser: "RegexParser", Reason: err.Error()}
	}
	return &regexParser{engine: engine, starts: starts}, nil
}

// regexConfig gathers the rules of files and flags, in the order given.
func regexConfig(opt Options) (*rules.Config, *regexp.Regexp, error) {
	c := new(rules.Config)
	fs := newFlags("RegexParser")
	file := func(take func(name string, data []byte) error) func(string) error {
		return func(name string) error {
			data, err := opt.readFile(name)
			if err != nil {
				return err
			}
			return take(name, data)
		}
	}
	fs.Func("grok-patterns", "`file` of grok patterns, a name and a pattern on each line; before the rules that use it", file(c.ParsePatterns))
	fs.Func("rules", "YAML `file` of rules", file(c.Parse))
	for _, k := range []metric.Kind{metric.Counter, metric.Gauge, metric.Timer, metric.Set} {
		fs.Func(k.String(), "a "+k.String()+" as `NAME=PATTERN` or NAME:UNIT=PATTERN; the group called value is its value, other named groups are tags (repeatable)", func(arg string) error {
			return c.Flag(k, arg)
		})
	}
	start := fs.String("multiline-start", "", "`pattern` of the lines that start a record; lines up to the next one belong to it, and patterns see them joined")
	if err := parseFlags(fs, opt.Args); err != nil {
		return nil, nil, err
	}
	if c.Empty() {
		return nil, nil, fs.wrong(errors.New("there are no rules: give --rules=FILE, or --counter=NAME=PATTERN and the like"))
	}
	if *start == "" {
		return c, nil, nil
	}
	starts, err := c.Start("--multiline-start", *start)
	if err != nil {
		return nil, nil, fs.wrong(err)
	}
	return c, starts, nil
}

func (o *Options) readFile(name string) ([]byte, error) {
	if o.ReadFile == nil {
		return nil, errors.New("files cannot be read here")
	}
	return o.ReadFile(name)
}

// Parse implements Parser.
func (p *regexParser) Parse(b Block, rec *metric.Recorder) (st Stats) {
	if p.starts != nil {
		return p.records(b, rec)
	}
	st.count(p.engine.Parse(b.Bytes, b.Newest, rec))
	return st
}

// count adds what became of lines.
func (s *Stats) count(n rules.Counts) {
	s.Add(Stats{Lines: n.Lines, Skipped: n.Skipped, Rejected: n.Rejected, Untimed: n.Untimed})
}

// Joins implements Joiner.
func (p *regexParser) Joins() bool { return p.starts != nil }

// Problems implements Reporter.
func (p *regexParser) Problems() []string {
	list := p.engine.Problems()
	if p.cut > 0 {
		list = append(list, fmt.Sprintf("%d records were longer than %d KiB and were cut: do all of them start as --multiline-start says?", p.cut, MaxHeld>>10))
	}
	p.cut = 0
	return list
}
