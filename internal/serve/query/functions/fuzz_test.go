package functions_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
	"github.com/logmetrics/logmetrics/internal/serve/query/querytest"
)

// FuzzEvaluate asks anything of all functions: nothing may break one, and nothing may go beyond its time and memory.
func FuzzEvaluate(f *testing.F) {
	files, err := filepath.Glob("testdata/*.test")
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		for line := range strings.Lines(string(text)) {
			if words := strings.SplitN(strings.TrimSpace(line), " ", 4); words[0] == "eval" && len(words) == 4 {
				f.Add(words[3], int64(600), int64(1800))
			}
		}
	}
	m := &querytest.Memory{}
	m.Add("a", 0, 60, 1, 2, query.Null(), 4, 5, 6, 7, -8, 9, 1e300, 11, 12, 0, 0, 15, 16, 17, 18, 19, 20)
	m.Add("a.x", 0, 10, make([]float64, 200)...)
	m.Add("a.y", 0, 7, query.Null(), query.Null())
	m.Add("srv.web1.cpu", 0, 60, make([]float64, 30)...)
	m.Add("t;host=a;dc=b", 0, 60, 1, 2, 3)
	e := query.New(query.Options{Functions: functions.Table(), Source: m, Limits: query.Limits{Bytes: 16 << 20, Series: 1000, Points: 1 << 20}})
	f.Fuzz(func(t *testing.T, target string, from, until int64) {
		from, until = from%100_000, until%100_000
		if from >= until {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		list, err := e.Evaluate(ctx, query.Request{Targets: []string{target}, From: from, Until: until, Now: until})
		if errors.Is(err, query.ErrPanic) || errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(target, from, until, err)
		}
		for _, s := range list {
			s.Points()
		}
	})
}
