// Package schema reads storage-schemas.conf and storage-aggregation.conf, and
// tells which tiers and which method a name gets.
//
// (Contract under construction.) Start from Default and Schemas.
package schema

import "github.com/logmetrics/logmetrics/metric"

// Tier is one resolution: buckets of Step seconds kept for Keep seconds.
type Tier struct{ Step, Keep int64 }

// Tiers are of one series, the finest first; steps divide each other.
type Tiers []Tier

// Schemas tell which tiers and which method a name gets. The zero value is not
// usable; see Default.
type Schemas struct{}

// Default returns the built-in rules: 10s:3d,5m:90d,1h:3y, 1s:3d first for ^flux\., and statsd's advice.
func Default() Schemas { panic("BUG: under construction") }

// Tiers returns the tiers of a name by the first rule that matches.
func (s Schemas) Tiers(name string) Tiers { panic("BUG: under construction") }

// Method returns the method of a name; metric.Unset when no rule but the last resort matches.
func (s Schemas) Method(name string) metric.Method { panic("BUG: under construction") }
