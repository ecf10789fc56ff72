// Package near finds among known names those that an unknown one was most
// likely meant to be.
//
// It promises an answer in time bounded by the number of names, however long
// they are. It knows no names itself and words no messages. Start from [Name].
package near

import (
	"cmp"
	"slices"
	"strings"
)

// maxLen is how many bytes of a name are compared: more than any name has that
// is worth a suggestion.
const maxLen = 64

// Name returns the one of names that is nearest to name, the first of equals,
// and "" when none is near.
func Name(name string, names []string) string {
	if list := Names(name, names); len(list) > 0 {
		return list[0]
	}
	return ""
}

// Names returns those of names that are near, the nearest first: two changes
// away, or as many as a third of name's bytes. A name that would be changed
// in every byte is not near. Upper and lower case are the same.
func Names(name string, names []string) []string {
	var list []string
	for _, n := range names {
		if d := Distance(name, n); d <= max(2, len(name)/3) && d < len(n) {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(Distance(name, a), Distance(name, b)) })
	return list
}

// Distance returns how many bytes must be put in, taken out or changed to make
// b of a (Levenshtein's distance), whose first 64 bytes count, in lower case.
func Distance(a, b string) int {
	a, b = strings.ToLower(a[:min(len(a), maxLen)]), strings.ToLower(b[:min(len(b), maxLen)])
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
