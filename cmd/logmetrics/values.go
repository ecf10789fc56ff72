package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// size is a number of bytes, written as "64MiB", "10k" or "1000".
type size int64

var units = []struct {
	name  string
	bytes float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40}, {"b", 1},
}

// UnmarshalText reads a size.
func (s *size) UnmarshalText(text []byte) error {
	number, factor := strings.ToLower(strings.TrimSpace(string(text))), 1.0
	for _, u := range units {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, factor = strings.TrimSpace(n), u.bytes
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v >= 0) || v*factor > math.MaxInt64/2 {
		return fmt.Errorf("%q is not a size such as 64MiB or 1000000", text)
	}
	*s = size(v * factor)
	return nil
}

// splitWords splits s into words as a shell does: blanks part words, single
// quotes keep all, double quotes keep all but \" and \\, a backslash keeps
// the next character. Nothing is expanded.
func splitWords(s string) ([]string, error) {
	var words []string
	var word []byte
	inWord, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == '\'' && c != quote, quote == '"' && c != quote && c != '\\':
			word = append(word, c)
		case quote != 0 && c == quote:
			quote = 0
		case quote == '"' && (i+1 == len(s) || s[i+1] != '"' && s[i+1] != '\\'):
			word = append(word, c) // a backslash that means itself
		case c == '\\':
			if i++; i == len(s) {
				return nil, fmt.Errorf("%s: nothing follows the last backslash", s)
			}
			word, inWord = append(word, s[i]), true
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if inWord {
				words = append(words, string(word))
			}
			word, inWord = nil, false
		default:
			word, inWord = append(word, c), true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("%s: the quote %c is not closed", s, quote)
	}
	if inWord {
		words = append(words, string(word))
	}
	return words, nil
}
