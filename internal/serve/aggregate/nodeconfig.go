package aggregate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// NodeConfig has node's settings under node's own keys, which are the yaml
// names. The zero value is node's default.
type NodeConfig struct {
	FlushInterval    int       `yaml:"flushInterval"`    // milliseconds; 0: 10000
	PercentThreshold *Percents `yaml:"percentThreshold"` // nil: 90
	// Histogram has the bins of timers; the first entry whose metric is in the name counts.
	Histogram []Histogram `yaml:"histogram"`
	// CalculatedTimerMetrics are the fields of timers that are sent; nil: all but histograms where none are set.
	CalculatedTimerMetrics []string `yaml:"calculatedTimerMetrics"`
	KeyNameSanitize        *bool    `yaml:"keyNameSanitize"` // nil: true; false keeps names that differ in what is cleaned apart

	DeleteIdleStats bool  `yaml:"deleteIdleStats"` // what the next four are where they are nil
	DeleteCounters  *bool `yaml:"deleteCounters"`
	DeleteTimers    *bool `yaml:"deleteTimers"`
	DeleteSets      *bool `yaml:"deleteSets"`
	DeleteGauges    *bool `yaml:"deleteGauges"`
	GaugesMaxTTL    int   `yaml:"gaugesMaxTTL"` // flushes that a gauge is sent after it was set; 0: 1

	FlushCounts  *bool  `yaml:"flush_counts"` // nil: true; false leaves the counts of counters out
	PrefixStats  string `yaml:"prefixStats"`  // of node's own; "": statsd
	HealthStatus string `yaml:"healthStatus"` // what the admin port says at first; "": up

	Graphite GraphiteConfig `yaml:"graphite"`

	// Strict takes lines as node's daemon does where it is harmless: h, d, C and
	// unknown types are counters, values are not packed, tags keep their order.
	Strict bool `yaml:"strict-node"`
}

// GraphiteConfig says how series are called. A nil name is node's default; an
// empty one drops its level.
type GraphiteConfig struct {
	LegacyNamespace *bool   `yaml:"legacyNamespace"` // nil: true; then the five prefixes have no meaning
	GlobalPrefix    *string `yaml:"globalPrefix"`    // nil: stats
	PrefixCounter   *string `yaml:"prefixCounter"`   // nil: counters
	PrefixTimer     *string `yaml:"prefixTimer"`     // nil: timers
	PrefixGauge     *string `yaml:"prefixGauge"`     // nil: gauges
	PrefixSet       *string `yaml:"prefixSet"`       // nil: sets
	GlobalSuffix    string  `yaml:"globalSuffix"`    // behind each name, before its tags
}

// Histogram is the bins of the timers whose names hold Metric.
type Histogram struct {
	Metric string `yaml:"metric"`
	Bins   Bins   `yaml:"bins"` // upper ends, ascending; none: no histogram
}

// Percents are percentiles; those below 0 are of the largest values. In YAML
// they are a list or one number, of which 0 is 90.
type Percents []float64

// UnmarshalYAML reads a list or one number.
func (p *Percents) UnmarshalYAML(read func(any) error) error {
	var one float64
	if err := read(&one); err == nil {
		if one == 0 {
			one = defaultPercent
		}
		*p = Percents{one}
		return nil
	}
	var list []float64
	if err := read(&list); err != nil {
		return fmt.Errorf("read percentThreshold: %w", err)
	}
	*p = list
	return nil
}

// Bins are the upper ends of bins. In YAML the last may be 'inf'.
type Bins []float64

// UnmarshalYAML reads a list of numbers and 'inf'.
func (b *Bins) UnmarshalYAML(read func(any) error) error {
	var list []string
	if err := read(&list); err != nil {
		return fmt.Errorf("read bins: %w", err)
	}
	*b = (*b)[:0]
	for _, text := range list {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("read bins: %w", err)
		}
		*b = append(*b, v)
	}
	return nil
}

const (
	defaultFlushInterval = 10_000 // milliseconds
	defaultPercent       = 90
	maxPercents          = 100
	maxBins              = 1000
)

// check fills in the defaults.
func (c *NodeConfig) check() error {
	if c.FlushInterval == 0 {
		c.FlushInterval = defaultFlushInterval
	}
	if c.PercentThreshold == nil {
		c.PercentThreshold = &Percents{defaultPercent}
	}
	if c.GaugesMaxTTL == 0 {
		c.GaugesMaxTTL = 1
	}
	if c.PrefixStats == "" {
		c.PrefixStats = "statsd"
	}
	if c.HealthStatus == "" {
		c.HealthStatus = "up"
	}
	switch {
	case c.FlushInterval < 10:
		return fmt.Errorf("flushInterval %d: less than 10 milliseconds", c.FlushInterval)
	case c.GaugesMaxTTL < 0:
		return fmt.Errorf("gaugesMaxTTL %d: less than 1", c.GaugesMaxTTL)
	case len(*c.PercentThreshold) > maxPercents:
		return fmt.Errorf("percentThreshold: more than %d", maxPercents)
	}
	for _, p := range *c.PercentThreshold {
		if !(math.Abs(p) <= 100) {
			return fmt.Errorf("percentThreshold %v: not within -100 and 100", p)
		}
	}
	return c.checkBins()
}

func (c *NodeConfig) checkBins() error {
	for _, h := range c.Histogram {
		if len(h.Bins) > maxBins {
			return fmt.Errorf("histogram of %q: more than %d bins", h.Metric, maxBins)
		}
		for i, b := range h.Bins {
			if math.IsNaN(b) || i > 0 && b <= h.Bins[i-1] {
				return fmt.Errorf("histogram of %q: bins do not ascend", h.Metric)
			}
		}
	}
	return nil
}

// orTrue returns what is set, else true.
func orTrue(set *bool) bool { return set == nil || *set }

// deletes returns whether a kind is deleted when idle.
func (c *NodeConfig) deletes(set *bool) bool {
	if set != nil {
		return *set
	}
	return c.DeleteIdleStats
}

// spaces are what stands before names and behind them.
type spaces struct {
	rate, count       string // of counters, before the key
	timer, gauge, set string
	own, numStats     string // of node's own
	rateField         string // behind the key
	countField        string
	suffix            string
}

func (c *NodeConfig) spaces() spaces {
	g := &c.Graphite
	s := spaces{suffix: g.GlobalSuffix}
	if s.suffix != "" {
		s.suffix = "." + s.suffix
	}
	if orTrue(g.LegacyNamespace) {
		s.rate, s.count = "stats.", "stats_counts."
		s.timer, s.gauge, s.set = "stats.timers.", "stats.gauges.", "stats.sets."
		s.own, s.numStats = "stats."+c.PrefixStats+".", c.PrefixStats+"."
		return s
	}
	prefix := or(g.GlobalPrefix, "stats")
	s.rate = level(prefix, or(g.PrefixCounter, "counters"))
	s.count, s.rateField, s.countField = s.rate, ".rate", ".count"
	s.timer = level(prefix, or(g.PrefixTimer, "timers"))
	s.gauge = level(prefix, or(g.PrefixGauge, "gauges"))
	s.set = level(prefix, or(g.PrefixSet, "sets"))
	s.own = level(prefix, c.PrefixStats)
	s.numStats = s.own
	return s
}

func or(set *string, otherwise string) string {
	if set == nil {
		return otherwise
	}
	return *set
}

// level joins the levels that are not empty, each with its dot.
func level(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p != "" {
			b.WriteString(p + ".")
		}
	}
	return b.String()
}
