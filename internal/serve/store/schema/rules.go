package schema

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/metric"
)

// methodNames are those of storage-aggregation.conf.
func methodNames() map[string]metric.Method {
	return map[string]metric.Method{
		"average": metric.Average, "sum": metric.Sum, "last": metric.Last, "max": metric.Max, "min": metric.Min,
		"avg_zero": metric.AvgZero, "absmax": metric.AbsMax, "absmin": metric.AbsMin,
	}
}

// ruleOf is what both files have in common: it parses each section by one.
func rulesOf[R any](f File, one func(File, *section) (R, error)) ([]R, error) {
	sections, err := parseINI(f)
	if err != nil {
		return nil, err
	}
	rules := []R{} // not nil: a file without a rule is not the built-in one
	var errs []error
	for _, s := range sections {
		if s.name == defaults && s.get("pattern") == nil {
			continue
		}
		r, err := one(f, s)
		errs = append(errs, err)
		rules = append(rules, r)
	}
	return rules, errors.Join(errs...)
}

func (s *section) fault(f File, line int, format string, args ...any) error {
	return &Error{f.Name, line, fmt.Sprintf("[%s] ", s.name) + fmt.Sprintf(format, args...)}
}

func (s *section) pattern(f File) (*pattern, error) {
	v := s.get("pattern")
	if v == nil {
		return nil, s.fault(f, s.line, "has no pattern, so carbon would skip it; add pattern = REGEX, or .* for all names")
	}
	p, err := compilePattern(v.text)
	if err != nil {
		return nil, s.fault(f, v.line, "pattern %q: %s", cut(v.text), err)
	}
	return p, nil
}

func parseTierRules(f File) ([]tierRule, error) {
	return rulesOf(f, func(f File, s *section) (r tierRule, err error) {
		var err1, err2 error
		r.pattern, err1 = s.pattern(f)
		v := s.get("retentions")
		if v == nil {
			return r, errors.Join(err1, s.fault(f, s.line, "has no retentions, so carbon would skip it; add for example retentions = 10s:3d,5m:90d"))
		}
		if r.tiers, err2 = ParseTiers(v.text); err2 != nil {
			err2 = s.fault(f, v.line, "retentions: %s", err2)
		}
		return r, errors.Join(err1, err2)
	})
}

func parseMethodRules(f File) ([]methodRule, error) {
	return rulesOf(f, func(f File, s *section) (r methodRule, err error) {
		r.xff = DefaultXFilesFactor
		r.pattern, err = s.pattern(f)
		errs := []error{err}
		if v := s.get("xfilesfactor"); v != nil {
			r.xff, err = strconv.ParseFloat(v.text, 64)
			if err != nil || !(r.xff >= 0 && r.xff <= 1) {
				errs = append(errs, s.fault(f, v.line, "xFilesFactor %q is not a number from 0 to 1", cut(v.text)))
			}
		}
		if v := s.get("aggregationmethod"); v != nil {
			method, ok := methodNames()[v.text]
			if !ok {
				errs = append(errs, s.fault(f, v.line, "aggregationMethod %q is none of %s", cut(v.text), listMethods()))
			}
			r.method = method
		}
		return r, errors.Join(errs...)
	})
}

func listMethods() string {
	return strings.Join(slices.Sorted(maps.Keys(methodNames())), ", ")
}
