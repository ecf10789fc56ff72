package aggregate

import (
	"bytes"
	"fmt"
	"math"
)

// writeConfig prints the settings under node's keys, one level deep.
func (n *Node) writeConfig(b *bytes.Buffer) {
	c := &n.opt.NodeConfig
	g := &c.Graphite
	b.WriteByte('\n')
	fmt.Fprintf(b, "flushInterval: %d\n", c.FlushInterval)
	for i, p := range *c.PercentThreshold {
		fmt.Fprintf(b, "percentThreshold > %d: %s\n", i, appendJS(nil, p))
	}
	for i, h := range c.Histogram {
		fmt.Fprintf(b, "histogram > %d: %s %s\n", i, h.Metric, h.Bins)
	}
	for i, name := range c.CalculatedTimerMetrics {
		fmt.Fprintf(b, "calculatedTimerMetrics > %d: %s\n", i, name)
	}
	fmt.Fprintf(b, "keyNameSanitize: %t\n", orTrue(c.KeyNameSanitize))
	fmt.Fprintf(b, "flush_counts: %t\n", orTrue(c.FlushCounts))
	fmt.Fprintf(b, "prefixStats: %s\n", c.PrefixStats)
	fmt.Fprintf(b, "strict-node: %t\n", c.Strict)
	fmt.Fprintf(b, "graphite > legacyNamespace: %t\n", orTrue(g.LegacyNamespace))
	fmt.Fprintf(b, "graphite > globalPrefix: %s\n", or(g.GlobalPrefix, "stats"))
	fmt.Fprintf(b, "graphite > prefixCounter: %s\n", or(g.PrefixCounter, "counters"))
	fmt.Fprintf(b, "graphite > prefixTimer: %s\n", or(g.PrefixTimer, "timers"))
	fmt.Fprintf(b, "graphite > prefixGauge: %s\n", or(g.PrefixGauge, "gauges"))
	fmt.Fprintf(b, "graphite > prefixSet: %s\n", or(g.PrefixSet, "sets"))
	fmt.Fprintf(b, "graphite > globalSuffix: %s\n", g.GlobalSuffix)
	fmt.Fprintf(b, "gaugesMaxTTL: %d\n", c.GaugesMaxTTL)
	fmt.Fprintf(b, "deleteIdleStats: %t\n", c.DeleteIdleStats)
	fmt.Fprintf(b, "deleteCounters: %t\n", c.deletes(c.DeleteCounters))
	fmt.Fprintf(b, "deleteTimers: %t\n", c.deletes(c.DeleteTimers))
	fmt.Fprintf(b, "deleteSets: %t\n", c.deletes(c.DeleteSets))
	fmt.Fprintf(b, "deleteGauges: %t\n", c.deletes(c.DeleteGauges))
}

// String prints the bins as a list.
func (b Bins) String() string {
	text := []byte{'['}
	for i, end := range b {
		if i > 0 {
			text = append(text, ',')
		}
		if math.IsInf(end, 1) {
			text = append(text, "inf"...)
			continue
		}
		text = appendJS(text, end)
	}
	return string(append(text, ']'))
}
