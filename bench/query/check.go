//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// answer is what values are to be: so many series with so many points in all,
// and their sum, which is not looked at when it is 0.
type answer struct {
	series, points int
	sum            float64
}

// of checks an answer to /render, or to victoria-metrics' query_range.
func (want answer) of(body []byte) error {
	var got answer
	var web []struct {
		Datapoints [][2]*float64 `json:"datapoints"`
	}
	if json.Unmarshal(body, &web) == nil {
		got.series = len(web)
		for _, s := range web {
			for _, p := range s.Datapoints {
				if p[0] != nil {
					got.points, got.sum = got.points+1, got.sum+*p[0]
				}
			}
		}
		return want.is(got)
	}
	var other struct {
		Data struct {
			Result []struct{ Values [][2]any }
		}
	}
	if err := json.Unmarshal(body, &other); err != nil {
		return fmt.Errorf("not an answer: %.100s", body)
	}
	got.series = len(other.Data.Result)
	for _, s := range other.Data.Result {
		for _, p := range s.Values {
			text, _ := p[1].(string)
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return fmt.Errorf("not a value: %w", err)
			}
			got.points, got.sum = got.points+1, got.sum+v
		}
	}
	return want.is(got)
}

func (want answer) is(got answer) error {
	if got.series != want.series || got.points != want.points {
		return fmt.Errorf("%d series, %d points", got.series, got.points)
	}
	if want.sum != 0 && math.Abs(got.sum-want.sum) > 1e-9*math.Abs(want.sum) {
		return fmt.Errorf("sum %g, not %g", got.sum, want.sum)
	}
	return nil
}

// names is how many names an answer is to have.
type names int

// found checks an answer to /metrics/find in the form "completer", or a list of
// names. Servers may have some of their own, too.
func (want names) found(body []byte) error {
	var find struct{ Metrics []struct{ Path string } }
	var list []string
	if json.Unmarshal(body, &find) != nil && json.Unmarshal(body, &list) != nil {
		return fmt.Errorf("not an answer: %.100s", body)
	}
	if got := len(find.Metrics) + len(list); got < int(want) {
		return fmt.Errorf("%d of %d names", got, want)
	}
	return nil
}
