package main

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/logmetrics/logmetrics/internal/serve"
	"github.com/logmetrics/logmetrics/internal/serve/aggregate"
)

// statsdSection is the section statsd of a file, which has settings of statsd's
// own daemon under its own keys.
type statsdSection struct {
	aggregate.NodeConfig `yaml:",inline"`
	Address              string `yaml:"address"` // "": 127.0.0.1, not all addresses as there
	Port                 uint16 `yaml:"port"`
	AdminAddress         string `yaml:"mgmt_address"`
	AdminPort            uint16 `yaml:"mgmt_port"`
}

// readStatsdSection decodes the section, of which addresses are flags of ours: they
// are added to given.
func readStatsdSection(node ast.Node, given map[string]any) (aggregate.NodeConfig, error) {
	var section statsdSection
	if err := yaml.NodeToValue(node, &section, yaml.Strict()); err != nil {
		return section.NodeConfig, inOneLine(err)
	}
	for _, l := range []struct {
		flag, host string
		port, own  uint16
	}{{"statsd", section.Address, section.Port, 8125}, {"statsd-admin", section.AdminAddress, section.AdminPort, 8126}} {
		if l.host != "" || l.port != 0 {
			given[l.flag] = net.JoinHostPort(cmp.Or(l.host, "127.0.0.1"), strconv.Itoa(int(cmp.Or(l.port, l.own))))
		}
	}
	return section.NodeConfig, nil
}

// readBrubeckSection decodes the section brubeck, which has that one's settings.
func readBrubeckSection(node ast.Node) (conf aggregate.BrubeckConfig, err error) {
	if err := yaml.NodeToValue(node, &conf, yaml.Strict()); err != nil {
		return conf, inOneLine(err)
	}
	return conf, nil
}

// statsdListeners reads what --statsd says: ADDR[,DIALECT], several also parted
// by blanks, as the environment has them.
func (k *serveCmd) statsdListeners() (list []serve.StatsD, err error) {
	for _, text := range strings.Fields(strings.Join(k.Statsd, " ")) {
		where, dialect, _ := strings.Cut(text, ",")
		if where = address(where); where == "" {
			continue
		}
		l := serve.StatsD{Address: where}
		switch dialect {
		case "", "statsd":
		case "brubeck":
			l.Brubeck = true
		default:
			return nil, &usageError{fmt.Sprintf("--statsd=%s: there is no dialect %q%s (there are statsd, brubeck)", text, dialect, didYouMean(dialect, []string{"statsd", "brubeck"}))}
		}
		list = append(list, l)
	}
	return list, nil
}

// dialects sets the settings of both dialects: those of the file's sections, and
// over them what flags say.
func (k *serveCmd) dialects(opt *serve.Options) (err error) {
	opt.Node, opt.Brubeck = k.sections.node, k.sections.brubeck
	if k.StatsdFlush != 0 {
		if k.StatsdFlush < time.Second || k.StatsdFlush%time.Second != 0 {
			return &usageError{fmt.Sprintf("--statsd-flush=%v: it must be whole seconds", k.StatsdFlush)}
		}
		opt.Node.FlushInterval, opt.Brubeck.Frequency = int(k.StatsdFlush/time.Millisecond), int(k.StatsdFlush/time.Second)
	}
	return k.nodeFlags(&opt.Node)
}

// nodeFlags sets what flags say of the dialect statsd.
func (k *serveCmd) nodeFlags(conf *aggregate.NodeConfig) (err error) {
	if k.StatsdPercentiles != nil {
		if conf.PercentThreshold, err = percents(k.StatsdPercentiles); err != nil {
			return err
		}
	}
	switch k.StatsdNamespace {
	case "":
	case "legacy", "new":
		conf.Graphite.LegacyNamespace = new(k.StatsdNamespace == "legacy")
	default:
		return &usageError{fmt.Sprintf("--statsd-namespace=%s: it is legacy or new", k.StatsdNamespace)}
	}
	if k.StatsdDeleteIdle == nil {
		return nil
	}
	return deleteIdle(conf, k.StatsdDeleteIdle)
}

func percents(list []string) (*aggregate.Percents, error) {
	all := make(aggregate.Percents, len(list))
	for i, text := range list {
		p, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(p >= -100 && p <= 100) {
			return nil, &usageError{fmt.Sprintf("--statsd-percentiles=%s: it is no number from -100 to 100", text)}
		}
		all[i] = p
	}
	return &all, nil
}

// deleteIdle sets what --statsd-delete-idle says, for each kind.
func deleteIdle(conf *aggregate.NodeConfig, kinds []string) error {
	known := []string{"off", "all", "counters", "timers", "sets", "gauges"}
	for _, kind := range kinds {
		if !slices.Contains(known, kind) {
			return &usageError{fmt.Sprintf("--statsd-delete-idle=%s: it is off, all, or some of counters, timers, sets, gauges%s", kind, didYouMean(kind, known))}
		}
	}
	is := func(kind string) *bool { return new(slices.Contains(kinds, kind) || slices.Contains(kinds, "all")) }
	conf.DeleteIdleStats = false
	conf.DeleteCounters, conf.DeleteTimers, conf.DeleteSets, conf.DeleteGauges = is("counters"), is("timers"), is("sets"), is("gauges")
	return nil
}
