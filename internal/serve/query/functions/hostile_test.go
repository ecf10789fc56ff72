package functions_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/query/functions"
	"github.com/logmetrics/logmetrics/internal/serve/query/querytest"
)

// manySeries is an engine over 1000 series of 60 values.
func manySeries() *query.Engine {
	m := &querytest.Memory{}
	for i := range 1000 {
		m.Add(fmt.Sprintf("servers.web%d.cpu", i), 0, 60, make([]float64, 60)...)
	}
	return query.New(query.Options{Functions: functions.Table(), Source: m, Limits: query.Limits{Bytes: 64 << 20}})
}

// nested calls a function n times within itself, with arguments behind the series.
func nested(function string, n int, arguments string) string {
	return strings.Repeat(function+"(", n) + "servers.*.cpu" + strings.Repeat(arguments+")", n)
}

// TestNamesArePaidFor: a target that doubles names ends before they fill the memory.
func TestNamesArePaidFor(t *testing.T) {
	e := manySeries()
	for _, target := range []string{
		nested("aliasSub", 60, `,"^(.*)$","\1\1"`), nested("legendValue", 60, strings.Repeat(`,"sum"`, 500)), nested("cactiStyle", 190, ""),
	} {
		_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{target}, Until: 3600})
		require.True(t, errors.Is(err, query.ErrLimit), target[:30]) //nolint:testifylint // the error is as long as the target
	}
	_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{`alias(servers.web1.cpu,"` + strings.Repeat("x", 1<<20) + `")`}, Until: 3600})
	require.Error(t, err)
	_, err = e.Evaluate(t.Context(), query.Request{Targets: []string{nested("absolute", 50, "")}, Until: 3600})
	require.NoError(t, err)
}

// TestWorkOnNamesEnds with the time that a request has.
func TestWorkOnNamesEnds(t *testing.T) {
	e := manySeries()
	long := strings.Repeat("x1", 20_000)
	for _, target := range []string{
		`legendValue(servers.*.cpu` + strings.Repeat(`,"median"`, 5000) + `)`,
		`aliasSub(alias(servers.*.cpu,"` + long + `"),"(x*)(.*)$","\2\1")`,
		`grep(alias(servers.*.cpu,"` + long + `"),"(x.)*y")`,
		`sortByName(alias(servers.*.cpu,"` + long + `"),true)`,
		`grep(alias(servers.web1.cpu,"` + long + `"),"` + strings.Repeat(".{0,990}", 200) + `y")`,
		`aliasSub(alias(servers.web1.cpu,"` + strings.Repeat("x1", 400_000) + `"),"x(.*y)?","")`,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		begin := time.Now()
		_, err := e.Evaluate(ctx, query.Request{Targets: []string{target}, Until: 3600})
		cancel()
		require.True(t, errors.Is(err, context.DeadlineExceeded), target[:30]) //nolint:testifylint // as above
		assert.Less(t, time.Since(begin), 5*time.Second, target[:30])
	}
}

// TestDeepPatterns are refused, if not at once, then not in the middle of a match.
func TestDeepPatterns(t *testing.T) {
	e := manySeries()
	for depth := 980; depth < 1001; depth++ {
		deep := strings.Repeat("(", depth) + "a" + strings.Repeat(")", depth)
		_, err := e.Evaluate(t.Context(), query.Request{Targets: []string{`aliasSub(alias(servers.web1.cpu,"` + strings.Repeat("b", 5000) + `a"),"` + deep + `","")`}, Until: 60})
		assert.NotErrorIs(t, err, query.ErrPanic, depth)
	}
}
