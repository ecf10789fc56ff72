package graphiteapi

import (
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// writeJSON writes [{"target": ..., "tags": {...}, "datapoints": [[value, time], ...]}, ...], with no more points of a
// series than maxDataPoints says.
func writeJSON(w http.ResponseWriter, r *rendering) error {
	j, err := newReply(w, r.Request, r.params)
	if err != nil {
		return err
	}
	start, end := bounds(r.series)
	noNulls, n := r.params.has("noNullPoints"), 0
	j.raw("[")
	for _, s := range withPoints(r.series) {
		s = thinned(s, end-start, r.query.MaxDataPoints)
		points := s.Points()
		if noNulls && allNull(points) {
			continue
		}
		j.comma(n)
		n++
		j.raw(`{"target": `)
		j.string(s.Name)
		j.raw(`, "tags": {`)
		for i, tag := range s.Tags {
			j.comma(i)
			j.string(tag.Key)
			j.raw(": ")
			j.string(tag.Value)
		}
		j.raw(`}, "datapoints": [`)
		j.points(s, points, noNulls)
		j.raw("]}")
	}
	j.raw("]")
	return j.end()
}

// withPoints returns the series, none if all are without points.
func withPoints(all []*query.Series) []*query.Series {
	if slices.ContainsFunc(all, func(s *query.Series) bool { return len(s.Points()) > 0 }) {
		return all
	}
	return nil
}

// points appends [value, time], ... up to the series' end, which counts as one of the times.
func (j *reply) points(s *query.Series, points []float64, noNulls bool) {
	at, step := s.Start, s.PointStep()
	begun := false
	for _, v := range points {
		if at > s.End {
			return
		}
		if !noNulls || !query.IsNull(v) {
			if begun {
				j.buf = append(j.buf, ", ["...)
			} else {
				j.buf = append(j.buf, '[')
			}
			begun = true
			j.buf = appendValue(j.buf, v, s.Whole)
			j.buf = append(j.buf, ", "...)
			j.buf = strconv.AppendInt(j.buf, at, 10)
			j.buf = append(j.buf, ']')
			j.spill()
		}
		at += step
	}
}

// bounds returns the first start and the last end.
func bounds(list []*query.Series) (start, end int64) {
	for i, s := range list {
		if i == 0 {
			start, end = s.Start, s.End
		}
		start, end = min(start, s.Start), max(end, s.End)
	}
	return start, end
}

// thinned returns a series that has no more than so many points of the seconds that all series span. Its points
// begin at multiples of their step, so that they stay where they are when the request comes again a moment
// later; for that values at the begin are left out.
func thinned(s *query.Series, seconds int64, most int) *query.Series {
	if most <= 0 || s.Step <= 0 {
		return s
	}
	c := s.Copy()
	if most == 1 {
		c.ValuesPerPoint = len(s.Values)
		return c
	}
	have := float64(seconds) / float64(s.Step)
	if float64(most) >= have {
		return s
	}
	each := int64(math.Ceil(have / float64(most)))
	step := each * s.Step
	nudge := step + modulo(s.Start, s.Step) - modulo(s.Start, step)
	c.Start += nudge
	lose := min(max(nudge/s.Step-1, 0), int64(len(s.Values)))
	c.Values = s.Values[lose:]
	c.ValuesPerPoint = int(each)
	return c
}

// modulo is Python's: it has the sign of b.
func modulo(a, b int64) int64 {
	if m := a % b; m < 0 {
		return m + b
	}
	return a % b
}

func allNull(points []float64) bool {
	for _, v := range points {
		if !query.IsNull(v) {
			return false
		}
	}
	return true
}

// Values up to these many digits are printed from integers, see appendValue.
const maxExact = 1e15

// appendValue appends a value as graphite-web's JSON has it: the shortest digits, a point in all that are not Python's int,
// null, and 1e9999 for what is infinite.
//
// Most values are decimals of few places. One of at most 15 digits is the only one of that many digits that its float64 has, so
// that it is the shortest, and printing its integer takes a fifth of the time of the general way (see BenchmarkAppendValue).
func appendValue(dst []byte, v float64, whole bool) []byte {
	switch a := math.Abs(v); {
	case a < maxExact && v == math.Trunc(v):
		if v == 0 && math.Signbit(v) && !whole {
			return append(dst, "-0.0"...)
		}
		dst = strconv.AppendInt(dst, int64(v), 10)
		if whole {
			return dst
		}
		return append(dst, ".0"...)
	case v != v:
		return append(dst, "null"...)
	case a < maxExact/1000 && a >= 0.001:
		if k := math.Round(v * 1000); k/1000 == v {
			return appendThousandths(dst, int64(k))
		}
	case math.IsInf(v, 1):
		return append(dst, "1e9999"...)
	case math.IsInf(v, -1):
		return append(dst, "-1e9999"...)
	}
	return query.AppendFloat(dst, v)
}

// appendThousandths appends k/1000, which is no integer.
func appendThousandths(dst []byte, k int64) []byte {
	if k < 0 {
		dst, k = append(dst, '-'), -k
	}
	dst = strconv.AppendInt(dst, k/1000, 10)
	rest := k % 1000
	dst = append(dst, '.', byte('0'+rest/100))
	if rest%100 != 0 {
		dst = append(dst, byte('0'+rest/10%10))
	}
	if rest%10 != 0 {
		dst = append(dst, byte('0'+rest%10))
	}
	return dst
}
