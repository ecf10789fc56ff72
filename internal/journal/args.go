package journal

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Prefix is what the name of a journal begins with.
const Prefix = "journal:"

// facilities are the names of syslog's facilities, by their codes. Those from
// 12 to 15 have several; these are systemd's and FreeBSD's.
var facilities = []string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
	"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

// Args returns journalctl's arguments for what spec names: "journal:" and then
// words, separated by blanks, of which an entry must match:
//
//	facility=mail,auth   one of these syslog facilities, by name or number
//	FIELD=VALUE          the field; several of the same field: one of them
//	postfix@-.service    the unit, also as a pattern; several: one of them
//	+                    what stands before it or what stands behind
//
// Without words all entries match.
func Args(spec string) ([]string, error) {
	rest, ok := strings.CutPrefix(spec, Prefix)
	if !ok {
		return nil, fmt.Errorf("read journal %q: the name of a journal begins with %q", spec, Prefix)
	}
	if strings.ContainsFunc(rest, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return nil, fmt.Errorf("read journal %q: control characters in the name", spec)
	}
	var units, matches []string
	for _, word := range strings.Fields(rest) {
		unit, match, err := argsOf(word)
		if err != nil {
			return nil, fmt.Errorf("read journal %q: %w", spec, err)
		}
		units = append(units, unit...)
		matches = append(matches, match...)
	}
	return append(units, matches...), nil
}

func argsOf(word string) (units, matches []string, err error) {
	if strings.HasPrefix(word, "-") {
		return nil, nil, fmt.Errorf("%q looks like an option; units, FIELD=VALUE and facility=NAME are taken", word)
	}
	if word == "+" {
		return nil, []string{word}, nil
	}
	name, value, isMatch := strings.Cut(word, "=")
	if !isMatch {
		return []string{"--unit=" + word}, nil, nil
	}
	if name == "facility" {
		matches, err = matchFacilities(value)
		return nil, matches, err
	}
	if !isField(name) {
		return nil, nil, fmt.Errorf("%q is no name of a field, which has capitals, digits and _ only", name)
	}
	return nil, []string{word}, nil
}

// isField reports whether name is one that journalctl takes.
func isField(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
	})
}

func matchFacilities(list string) (matches []string, err error) {
	for name := range strings.SplitSeq(list, ",") {
		code := slices.Index(facilities, strings.ToLower(name))
		if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(facilities) {
			code = n
		}
		if code < 0 {
			return nil, fmt.Errorf("%q is no facility of syslog: %s", name, strings.Join(facilities, " "))
		}
		matches = append(matches, "SYSLOG_FACILITY="+strconv.Itoa(code))
	}
	return matches, nil
}
