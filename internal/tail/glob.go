package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxLogs bounds what patterns may expand to.
const MaxLogs = 10000

// Expand returns the logs that patterns name, sorted, each once. A pattern is as
// in filepath.Match; one without metacharacters, or that is the name of a
// file, stays as it is, even when there is none. What is a rotated generation of
// another log in the result is left out, for it is read as a part of that one:
// mail.log* gives mail.log alone, and mail.log.1 is read if mail.log's
// position is in it. With generations they are kept, as logs of their own: that
// is for reading old logs once. More than MaxLogs are an error.
func Expand(patterns []string, generations bool) ([]string, error) {
	var names []string
	for _, p := range patterns {
		found := []string{p}
		if _, err := os.Lstat(p); err != nil && strings.ContainsAny(p, `*?[\`) {
			if found, err = filepath.Glob(p); err != nil {
				return nil, fmt.Errorf("expand %q: %w", p, err)
			}
		}
		for _, name := range found {
			names = append(names, filepath.Clean(name))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if !generations {
		names = withoutGenerations(names)
	}
	if len(names) > MaxLogs {
		return nil, fmt.Errorf("expand %q: %d logs are more than %d", patterns, len(names), MaxLogs)
	}
	return names, nil
}

// withoutGenerations drops what is a generation of another of the sorted names.
func withoutGenerations(names []string) []string {
	kept := make([]string, 0, len(names))
	for _, name := range names {
		if !isGeneration(name, names) {
			kept = append(kept, name)
		}
	}
	return kept
}

// IsGeneration reports whether name is that of a rotated generation of log.
func IsGeneration(name, log string) bool { return isGeneration(name, []string{log}) }

func isGeneration(name string, names []string) bool {
	if plain := strings.TrimSuffix(name, compression(name)); plain != name {
		if _, found := slices.BinarySearch(names, plain); found {
			return true
		}
	}
	ext := filepath.Ext(strings.TrimSuffix(name, compression(name)))
	for i := len(name) - len(filepath.Base(name)) + 1; i < len(name); i++ {
		if c := name[i]; c != '.' && c != '-' {
			continue
		}
		for _, log := range []string{name[:i], name[:i] + ext} {
			if _, ok := rotated(name, log); !ok {
				continue
			}
			if _, found := slices.BinarySearch(names, log); found {
				return true
			}
		}
	}
	return false
}
