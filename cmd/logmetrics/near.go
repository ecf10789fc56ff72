package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/near"
	"github.com/logmetrics/logmetrics/outputs"
	"github.com/logmetrics/logmetrics/parsers"
)

func didYouMean(name string, candidates []string) string {
	if known := near.Name(name, candidates); known != "" {
		return "; did you mean " + known + "?"
	}
	return ""
}

func parserNames() (names []string) {
	for _, f := range parsers.Table() {
		names = append(names, f.Name)
		if f.Alias != "" {
			names = append(names, f.Alias)
		}
	}
	return names
}

func outputNames() (names []string) {
	for _, f := range outputs.Table() {
		names = append(names, f.Name)
	}
	return names
}

var commandNames = []string{"run", "daemon", "serve", "check", "parsers", "db", "state", "version", "completion"}

// findParser is parsers.Find with an error that helps. A command that is
// misspelt arrives here too, because the default command takes it as a parser.
func findParser(name string) (f parsers.Factory, alias bool, err error) {
	f, alias, ok := parsers.Find(name)
	if ok {
		return f, alias, nil
	}
	text := fmt.Sprintf("unknown parser %q", name)
	names := parserNames()
	for _, full := range names {
		names = append(names, strings.TrimSuffix(full, "Parser"))
	}
	parser, command := near.Name(name, names), near.Name(name, commandNames)
	switch {
	case parser != "" && near.Distance(name, parser) <= near.Distance(name, command):
		text += "; did you mean " + parser + "?"
	case command != "":
		text += "; did you mean the command " + command + "?"
	default:
		text += "; logmetrics parsers lists them"
	}
	return f, false, &usageError{text}
}

func findOutput(name string) (outputs.Factory, error) {
	f, ok := outputs.Find(name)
	if ok {
		return f, nil
	}
	names := outputNames()
	slices.Sort(names)
	return f, &usageError{fmt.Sprintf("unknown output %q%s (there are %s)", name, didYouMean(name, names), strings.Join(names, ", "))}
}
