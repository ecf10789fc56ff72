package query

import "errors"

// ErrEmpty means that there is nothing to normalize; a function that returns it has no series.
var ErrEmpty = errors.New("no series")

// Grid is where series of different steps meet.
type Grid struct{ Start, End, Step int64 }

// maxStep bounds the least common multiple of steps: a hundred years.
const maxStep = 100 * 365 * 86400

// Normalize makes the points of all series of a list (see Series.Points) lie at the least common multiple of their
// steps, by setting their ValuesPerPoint. The grid is from the first start to the last end, in whole steps. As in graphite-web,
// points of one index belong together, whatever the start of their series. The error is ErrEmpty, or wraps ErrLimit.
func Normalize(list []*Series) (Grid, error) {
	if len(list) == 0 {
		return Grid{}, ErrEmpty
	}
	g := Grid{Start: list[0].Start, End: list[0].End, Step: list[0].Step}
	for _, s := range list[1:] {
		g.Start, g.End = min(g.Start, s.Start), max(g.End, s.End)
		if s.Step != g.Step {
			g.Step = lcm(g.Step, s.Step)
		}
		if g.Step > maxStep {
			return Grid{}, errors.Join(ErrLimit, errors.New("steps that do not meet"))
		}
	}
	for _, s := range list {
		s.ValuesPerPoint = 1
		if s.Step > 0 && s.Step != g.Step {
			s.ValuesPerPoint = int(g.Step / s.Step)
		}
	}
	if g.Step > 0 {
		g.End -= (g.End - g.Start) % g.Step
	}
	return g, nil
}

func lcm(a, b int64) int64 {
	if a <= 0 || b <= 0 || a > maxStep || b > maxStep {
		return max(a, b)
	}
	return a / gcd(a, b) * b
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Columns returns the Points of each series of a list that was normalized, and the length of the longest.
func Columns(list []*Series) (columns [][]float64, longest int) {
	columns = make([][]float64, len(list))
	for i, s := range list {
		columns[i] = s.Points()
		longest = max(longest, len(columns[i]))
	}
	return columns, longest
}
