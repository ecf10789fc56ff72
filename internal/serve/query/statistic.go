package query

import (
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/query/target"
)

// key tells patterns of a request apart.
func (p Pattern) key() patternKey { return patternKey{p.Text, p.Statistic, p.Outline} }

type patternKey struct {
	text, statistic string
	outline         bool
}

// statistic evaluates statistic(PATH or seriesByTag(...), 'min'), which is no function: what is read depends on it.
func (ev *evaluation) statistic(t *target.Expr, repl replacements, at span) (Value, error) {
	p, err := statisticPattern(t, repl)
	if err != nil {
		return Value{}, err
	}
	list := ev.found(p, at)
	for _, s := range list {
		s.Name = "statistic(" + s.Name + ",\"" + p.Statistic + "\")"
		s.PathExpression = s.Name
		s.Tags = s.Tags.With("statistic", p.Statistic)
		s.Consolidation = statisticConsolidation(p.Statistic)
		s.Whole = p.Statistic == "count"
	}
	return ListValue(list), nil
}

// statisticConsolidation says how several values of a statistic become one.
func statisticConsolidation(statistic string) string {
	switch statistic {
	case "count":
		return "sum"
	case "stddev":
		return "average"
	}
	return statistic
}

// statisticPattern reads the arguments.
func statisticPattern(t *target.Expr, repl replacements) (p Pattern, err error) {
	if len(t.Args) != 2 || len(t.Keywords) > 0 || t.Args[1].Kind != target.Text || !slices.Contains(Statistics, t.Args[1].Text) {
		return p, refused("statistic() takes a path or seriesByTag(), and one of %s", strings.Join(Statistics, ", "))
	}
	of := t.Args[0]
	path, _, isPath := repl.in(of.Text)
	switch {
	case of.Kind == target.Path && isPath:
		p = Pattern{Text: path}
	case of.Kind == target.Call && of.Text == "seriesByTag":
		p = tagPattern(of)
	default:
		return p, refused("statistic() reads what is kept: its first argument must be a path or seriesByTag()")
	}
	p.Statistic = t.Args[1].Text
	return p, nil
}
