package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/outputs"
	"github.com/logmetrics/logmetrics/parsers"
)

// nearest returns the candidate that name is most likely meant to be, "" when
// none is near. Upper and lower case are the same.
func nearest(name string, candidates []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, candidate := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < least && d < len(candidate) {
			best, least = candidate, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete or change between a and b
// (Levenshtein, one row at a time). Names longer than any of ours are cut.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func didYouMean(name string, candidates []string) string {
	if near := nearest(name, candidates); near != "" {
		return "; did you mean " + near + "?"
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

var commandNames = []string{"run", "check", "parsers", "state", "version", "completion"}

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
	parser, command := nearest(name, names), nearest(name, commandNames)
	switch {
	case parser != "" && distance(name, parser) <= distance(name, command):
		text += "; did you mean " + parser + "?"
	case command != "":
		text += "; did you mean the command " + command + "?"
	default:
		text += " (there are: logmetrics parsers)"
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
