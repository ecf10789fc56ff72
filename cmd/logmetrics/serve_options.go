package main

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml/ast"

	"github.com/logmetrics/logmetrics/internal/serve"
)

// options turns flags into what the server is given, checked completely.
func (k *serveCmd) options(c *console, log *slog.Logger) (opt serve.Options, err error) {
	opt = serve.Options{
		HTTP: address(k.HTTP), Carbon: address(k.Carbon), Pickle: address(k.Pickle), InfluxUDP: address(k.InfluxUDP), StatsDAdmin: address(k.StatsdAdmin),
		Schemas: k.Schemas, Aggregation: k.Aggregation,
		TokenFile: k.TokenFile, TokenReads: k.TokenReads, Insecure: k.Insecure, Hosts: k.Hosts, Origins: k.Origins, Remote: k.Remote, RemoteTimeout: k.RemoteTimeout, TLSCert: k.TLSCert, TLSKey: k.TLSKey,
		MaxConnections: k.MaxConnections, MaxSeries: k.MaxSeries, MaxNewSeries: k.MaxNewSeries,
		Queries: serve.QueryOptions{
			AtOnce: k.Queries, Time: k.QueryTime, Series: k.QuerySeries, Points: k.QueryPoints, Bytes: int64(k.QueryMemory), Pixels: k.MaxPixels,
		},
		Version: version(), Log: log,
	}
	if opt.Data, err = dataDir(k.Data); err != nil {
		return opt, err
	}
	if opt.StatsD, err = k.statsdListeners(); err != nil {
		return opt, err
	}
	if err := k.dialects(&opt); err != nil {
		return opt, err
	}
	if opt.Debug, err = k.debugging(c); err != nil {
		return opt, err
	}
	if k.Forward != "" {
		opt.Forward = k.Forward
		if !strings.Contains(k.Forward, ":") {
			opt.Forward = net.JoinHostPort(k.Forward, "2003")
		}
	}
	if opt.Allow, err = networks(k.Allow); err != nil {
		return opt, err
	}
	for name, n := range map[string]int{"max-connections": k.MaxConnections, "max-series": k.MaxSeries, "max-new-series": k.MaxNewSeries,
		"queries": k.Queries, "query-time": int(k.QueryTime), "query-series": k.QuerySeries, "query-points": k.QueryPoints, "query-memory": int(k.QueryMemory),
		"max-pixels": k.MaxPixels} {
		if n < 1 {
			return opt, &usageError{fmt.Sprintf("--%s=%d: it must be 1 or more", name, n)}
		}
	}
	if err := opt.Check(); err != nil {
		return opt, &usageError{err.Error()}
	}
	return opt, nil
}

// version is that of the program's module.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

// address returns HOST:PORT for what a flag says: that itself, or a PORT, with or
// without a colon, which is one of 127.0.0.1; "" for off.
func address(text string) string {
	if text == "off" || text == "" {
		return ""
	}
	if port := strings.TrimPrefix(text, ":"); !strings.Contains(port, ":") {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return text
}

// networks reads what --allow says; an address is a network of one.
func networks(list []string) (all []netip.Prefix, err error) {
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if a, errAddr := netip.ParseAddr(text); errAddr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, &usageError{fmt.Sprintf("--allow=%s: it is no network such as 10.0.0.0/8, and no address", text)}
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// serveAlone is a command line of serve alone.
type serveAlone struct {
	Serve serveCmd `cmd:""`
}

// withFile returns the flags with those of --config under them.
func (k *serveCmd) withFile(c *console) (*serveCmd, error) {
	if k.Config == "" {
		return k, nil
	}
	data, err := os.ReadFile(k.Config)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	given, sections, err := readServeFile(data, serveKeys(c))
	if err == nil {
		again := &serveAlone{Serve: serveCmd{sections: sections}}
		if _, _, err = c.parseInto(again, c.args, given); err == nil {
			return &again.Serve, nil
		}
		err = given.located(err)
	}
	return nil, &usageError{fmt.Sprintf("%s: %v", k.Config, err)}
}

// serveKeys are the flags that a file may have.
func serveKeys(c *console) (names []string) {
	app, err := c.newApp(new(serveAlone), nil)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	for _, f := range flagsOf(app.Model.Node.Children[0]) {
		if f.Name != "help" && f.Name != "config" {
			names = append(names, f.Name)
		}
	}
	return names
}

// readServeFile reads a configuration file of serve: flags by their names, and
// sections, of which statsd is a mapping where the flag's value is none. Errors
// tell line and column.
func readServeFile(data []byte, keys []string) (given *settings, sections serveSections, err error) {
	body, err := parseDocument(data, "KEY: VALUE lines are expected, as carbon: 127.0.0.1:2003")
	if err != nil {
		return nil, sections, err
	}
	listeners := make(map[string]any)
	given, err = readMapping(body, keys, func(key string, it *ast.MapNodeIter) (taken bool, err error) {
		_, mapping := it.Value().(ast.MapNode)
		switch {
		case key == "statsd" && mapping:
			sections.node, err = readStatsdSection(it.Value(), listeners)
		case key == "brubeck":
			sections.brubeck, err = readBrubeckSection(it.Value())
		default:
			return false, nil
		}
		return true, err
	}, "brubeck")
	if err == nil {
		maps.Copy(given.values, listeners)
	}
	return given, sections, err
}

// patternMapper reads --statsd-debug, which stands alone, for all lines, or has a
// pattern behind '='.
type patternMapper struct{}

// IsBool implements kong.BoolMapper: no value needs to follow.
func (patternMapper) IsBool() bool { return true }

// Decode implements kong.Mapper.
func (patternMapper) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	target.SetString(".")
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		return nil
	}
	switch text := fmt.Sprint(ctx.Scan.Pop().Value); text {
	case "", "false":
		target.SetString("")
	case "true":
	default:
		target.SetString(text)
	}
	return nil
}
