package query

import "context"

// Source has the series that patterns match.
type Source interface {
	// Fetch returns, for each pattern, the series that it matches, sorted by name, each name once. Their values
	// are those of whisper: at multiples of Step, after From and up to Until, where there is
	// nothing null; the tier is the finest that reaches back to From, seen from Now. The series
	// belong to the caller; their Values may be shared, if Share was called. The error wraps
	// ErrLimit when there are more than the query's limits.
	Fetch(ctx context.Context, q Fetch) ([][]*Series, error)
}

// Fetch says what a Source is to read.
type Fetch struct {
	Patterns         []Pattern
	From, Until, Now int64 // Unix seconds
	MaxSeries        int   // of all patterns together
	MaxPoints        int   // of all series together
	Want             int   // points of a series that are enough for a Statistic, which may then be of a coarser tier; 0: not said
}

// Pattern is a path with wildcards, or, with Exprs, a search by tags.
type Pattern struct {
	Text  string   // as written: what the series' PathExpression will be
	Exprs []string // of seriesByTag: "k=v", "k!=v", "k=~re", "k!=~re"

	// Statistic is what of each bucket is wanted: one of Statistics; "" is what a plain read shows.
	Statistic string
	// Outline says that only series' names, Start, End and Step are wanted: their Values may be nil.
	Outline bool
}

// Statistics are what a Source may keep of a bucket beside its value.
var Statistics = []string{"average", "count", "max", "min", "stddev", "sum"}

// Whisper returns the bounds of what a read of whisper's returns: the multiples of step after
// from and up to until, [start,end).
func Whisper(from, until, step int64) (start, end int64) {
	start, end = from-from%step+step, until-until%step+step
	if start == end {
		end += step
	}
	return start, end
}
