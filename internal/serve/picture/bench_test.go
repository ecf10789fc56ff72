package picture_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/picture"
)

func BenchmarkDraw(b *testing.B) {
	p, err := picture.New(picture.Options{})
	require.NoError(b, err)
	for _, q := range []shown{
		{name: "lines", query: "width=800&height=400&hideLegend=false", series: waves(10, "servers.web%02d.requests")},
		{name: "stacked", query: "width=800&height=400&areaMode=stacked", series: waves(10, "servers.web%02d.requests")},
		{name: "every-point", query: "width=800&height=400&minXStep=0", series: []picture.Series{wave("all", noon-100_000, 1, 100_000, 5, 3, 1)}},
	} {
		g := q.graph(b)
		for f, name := range []string{"png", "svg"} {
			b.Run(q.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					require.NoError(b, p.Draw(b.Context(), io.Discard, picture.Format(f), g))
				}
			})
		}
	}
}
