package graphiteapi

import (
	"bytes"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/picture"
	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// writePicture makes a writer of pictures.
func writePicture(f picture.Format) func(w http.ResponseWriter, r *rendering) error {
	return func(w http.ResponseWriter, r *rendering) error {
		g, err := graphOf(r)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		err = r.api.painter.Draw(r.Context(), &out, f, g)
		if errors.Is(err, picture.ErrRefused) {
			return invalid("%v", err)
		}
		if err != nil {
			return err
		}
		if f == picture.SVG && r.params.get("jsonp") != "" {
			return writeCall(w, r, out.String())
		}
		w.Header().Set("Content-Type", f.ContentType())
		w.Header().Set("Content-Length", strconv.Itoa(out.Len()))
		_, _ = w.Write(out.Bytes()) // the client's loss
		return nil
	}
}

// writeCall hands an SVG to a function of the client's script.
func writeCall(w http.ResponseWriter, r *rendering, svg string) error {
	j, err := newReply(w, r.Request, r.params)
	if err != nil {
		return err
	}
	j.string(svg)
	return j.end()
}

// graphOf says what is to be drawn.
func graphOf(r *rendering) (*picture.Graph, error) {
	params, err := picture.ParseParams(url.Values(r.params))
	if err != nil {
		return nil, invalid("%v", err)
	}
	g := &picture.Graph{Params: params, Zone: r.query.Zone}
	for _, s := range r.series {
		if s.Step > 0 {
			g.Series = append(g.Series, drawn(s))
		}
	}
	return g, nil
}

func drawn(s *query.Series) picture.Series {
	d := &s.Drawing
	out := picture.Series{
		Name: s.Name, Start: s.Start, Step: s.PointStep(), Values: s.Points(),
		Color: d.Color, LineWidth: d.LineWidth, Dash: d.Dashed, Stacked: d.Stacked, Invisible: d.Invisible, SecondY: d.SecondYAxis, Infinite: d.Infinite,
		Consolidate: func(dst, values []float64, n int) []float64 {
			return query.Consolidate(dst, values, n, s.Consolidation, s.XFilesFactor)
		},
	}
	if d.HasAlpha {
		out.Alpha = max(d.Alpha, 1e-9) // 0 says that there is none
	}
	return out
}

// pieTargets makes expressions of targets like "name:4100", which are slices of a
// pie by themselves.
func pieTargets(targets []string) []string {
	list := make([]string, len(targets))
	for i, target := range targets {
		list[i] = target
		name, text, _ := strings.Cut(target, ":")
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		name = strings.ReplaceAll(name, `"`, "'")
		list[i] = `alias(constantLine(` + strconv.FormatFloat(v, 'f', -1, 64) + `),"` + name + `")`
	}
	return list
}
