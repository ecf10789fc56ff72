package graphiteapi

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// plainReply is a reply that is no JSON.
func plainReply(w http.ResponseWriter, kind string) *reply {
	return &reply{w: w, code: http.StatusOK, kind: kind}
}

// writeCSV writes a line for each value: the name, the time in the request's zone, the value.
func writeCSV(w http.ResponseWriter, r *rendering) error {
	j := plainReply(w, "text/csv")
	for _, s := range r.series {
		name := csvField(s.Name)
		for i, v := range s.Points() {
			j.raw(name)
			j.raw(",")
			j.buf = time.Unix(s.Start+int64(i)*s.Step, 0).In(r.query.Zone).AppendFormat(j.buf, time.DateTime)
			j.raw(",")
			if !query.IsNull(v) {
				j.buf = appendPython(j.buf, v, s.Whole)
			}
			j.raw("\r\n")
			j.spill()
		}
	}
	return j.end()
}

// csvField puts a text into quotes where that is needed.
func csvField(s string) string {
	if !strings.ContainsAny(s, ",\"\r\n") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// writeRaw writes a line for each series: NAME,START,END,STEP|VALUE,VALUE,...
func writeRaw(w http.ResponseWriter, r *rendering) error {
	j := plainReply(w, "text/plain")
	for _, s := range r.series {
		j.raw(strings.ReplaceAll(s.Name, "\n", " "))
		for _, n := range []int64{s.Start, s.End, s.Step} {
			j.raw(",")
			j.int(n)
		}
		j.raw("|")
		for i, v := range s.Points() {
			if i > 0 {
				j.raw(",")
			}
			if query.IsNull(v) {
				j.raw("None")
			} else {
				j.buf = appendPython(j.buf, v, s.Whole)
			}
			j.spill()
		}
		j.raw("\n")
	}
	return j.end()
}

// appendPython appends a number as Python prints it.
func appendPython(dst []byte, v float64, whole bool) []byte {
	if math.IsInf(v, 0) {
		return query.AppendFloat(dst, v)
	}
	return appendValue(dst, v, whole)
}

// writeDygraph writes {"labels" : ["Time", NAME, ...], "data" : [[time in ms, value, ...], ...]}, at the times of the first series.
func writeDygraph(w http.ResponseWriter, r *rendering) error {
	j, err := newReply(w, r.Request, r.params)
	if err != nil {
		return err
	}
	if len(r.series) == 0 {
		j.raw("{}")
		return j.end()
	}
	j.raw(`{"labels" : ["Time"`)
	columns := make([][]float64, len(r.series))
	for i, s := range r.series {
		j.raw(", ")
		j.string(s.Name)
		columns[i] = s.Points()
	}
	j.raw(`], "data" : [`)
	first := r.series[0]
	for row, at := 0, first.Start; at < first.End && first.Step > 0; row, at = row+1, at+first.Step {
		j.comma(row)
		j.raw("[")
		j.int(at)
		j.raw("000")
		for i, c := range columns {
			j.raw(", ")
			v := query.Null()
			if row < len(c) {
				v = c[row]
			}
			j.dygraphValue(v, r.series[i].Whole)
		}
		j.raw("]")
		j.spill()
	}
	j.raw("]}")
	return j.end()
}

func (j *reply) dygraphValue(v float64, whole bool) {
	switch {
	case math.IsInf(v, 1):
		j.raw("Infinity")
	case math.IsInf(v, -1):
		j.raw("-Infinity")
	default:
		j.buf = appendValue(j.buf, v, whole)
	}
}

// writeRickshaw writes [{"target": NAME, "datapoints": [{"x": time, "y": value}, ...]}, ...].
func writeRickshaw(w http.ResponseWriter, r *rendering) error {
	j, err := newReply(w, r.Request, r.params)
	if err != nil {
		return err
	}
	j.raw("[")
	for i, s := range r.series {
		j.comma(i)
		j.raw(`{"target": `)
		j.string(s.Name)
		j.raw(`, "datapoints": [`)
		at := s.Start
		for k, v := range s.Points() {
			if at >= s.End {
				break
			}
			j.comma(k)
			j.raw(`{"x": `)
			j.buf = strconv.AppendInt(j.buf, at, 10)
			j.raw(`, "y": `)
			j.buf = appendValue(j.buf, v, s.Whole)
			j.raw("}")
			at += s.Step
			j.spill()
		}
		j.raw("]}")
	}
	j.raw("]")
	return j.end()
}
