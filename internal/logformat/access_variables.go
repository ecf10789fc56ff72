package logformat

import (
	"errors"
	"fmt"
	"strings"
)

// variables are a table by name: one that is there when the program starts, as no map is.
type variables []struct {
	name string
	variable
}

// find returns the zero variable for a name that is not there.
func (t variables) find(name string) variable {
	for i := range t {
		if t[i].name == name {
			return t[i].variable
		}
	}
	return variable{}
}

// nginxVariables are the variables with a field; see ngx_http_log_module and
// ngx_http_core_module in nginx's documentation.
var nginxVariables = variables{
	{"time_local", variable{field: Time, shape: shapeCLF, layout: CLF, rank: 1}},
	{"time_iso8601", variable{field: Time, shape: shapeISO, layout: ISO8601, rank: 1}},
	{"msec", variable{field: Time, shape: shapeNumber, layout: Epoch, rank: 1}},
	{"request", variable{field: Request}},
	{"request_method", variable{field: Method}},
	{"status", variable{field: Status, shape: shapeNumber}},
	{"body_bytes_sent", variable{field: Bytes, shape: shapeNumber, rank: 1}},
	{"bytes_sent", variable{field: Bytes, shape: shapeNumber}},
	{"request_time", variable{field: RequestTime, shape: shapeNumber, perSecond: 1}},
	{"upstream_response_time", variable{field: UpstreamTime, shape: shapeList}},
	{"server_name", variable{field: Host, rank: 2}},
	{"host", variable{field: Host, rank: 1}},
	{"http_host", variable{field: Host}},
}

// nginx reads $name or ${name}.
func (l *lexer) nginx() error {
	rest := l.format[l.at+1:]
	name, size := rest, 0
	if strings.HasPrefix(rest, "{") {
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return errors.New("${ is not closed")
		}
		name, size = rest[1:end], 1+end+1
	} else {
		n := 0
		for n < len(rest) && nameByte(rest[n]) {
			n++
		}
		name, size = rest[:n], 1+n
	}
	if name == "" {
		return errors.New("$ without the name of a variable")
	}
	v := nginxVariables.find(name)
	if v == (variable{}) && strings.HasPrefix(name, "upstream_") {
		v.shape = shapeList // one item for each server asked
	}
	l.add(v, size)
	return nil
}

func nameByte(c byte) bool {
	return c-'a' < 26 || c-'A' < 26 || c-'0' < 10 || c == '_'
}

// apacheDirectives are the directives with a field; see mod_log_config and
// mod_logio in Apache's documentation. %t is not here: it brings its brackets.
var apacheDirectives = variables{
	{"r", variable{field: Request}},
	{"m", variable{field: Method}},
	{"s", variable{field: Status, shape: shapeNumber}},
	{"b", variable{field: Bytes, shape: shapeNumber, rank: 1}},
	{"B", variable{field: Bytes, shape: shapeNumber, rank: 1}},
	{"O", variable{field: Bytes, shape: shapeNumber}},
	{"D", variable{field: RequestTime, shape: shapeNumber, perSecond: 1e6, rank: 2}},
	{"{us}T", variable{field: RequestTime, shape: shapeNumber, perSecond: 1e6, rank: 2}},
	{"{ms}T", variable{field: RequestTime, shape: shapeNumber, perSecond: 1e3, rank: 1}},
	{"{s}T", variable{field: RequestTime, shape: shapeNumber, perSecond: 1}},
	{"T", variable{field: RequestTime, shape: shapeNumber, perSecond: 1}},
	{"v", variable{field: Host, rank: 2}},
	{"V", variable{field: Host, rank: 1}},
	{"{Host}i", variable{field: Host}},
	{"{sec}t", variable{field: Time, shape: shapeNumber, layout: Epoch, rank: 1}},
	{"{msec}t", variable{field: Time, shape: shapeNumber, layout: Epoch, rank: 1}},
	{"{usec}t", variable{field: Time, shape: shapeNumber, layout: EpochMicros, rank: 1}},
}

// apache reads %h, %>s, %{name}i, %400,501{name}i, %!200r, %^ti and %%.
func (l *lexer) apache() error {
	rest := l.format[l.at+1:]
	if strings.HasPrefix(rest, "%") {
		l.literal("%")
		l.at += 2
		return nil
	}
	n := len(rest) - len(strings.TrimLeft(rest, "!<>,0123456789"))
	argument := ""
	if strings.HasPrefix(rest[n:], "{") {
		end := strings.IndexByte(rest[n:], '}')
		if end < 0 {
			return errors.New("%{ is not closed")
		}
		argument = rest[n : n+end+1]
		n += end + 1
	}
	size := 1
	if strings.HasPrefix(rest[n:], "^") { // %^ti and %^to have two letters
		size = len("^ti")
	}
	if n+size > len(rest) {
		return errors.New("a directive without its letter")
	}
	letter := rest[n : n+size]
	if !nameByte(letter[size-1]) {
		return fmt.Errorf("%%%s is no directive", letter)
	}
	l.directive(argument, letter, 1+n+size)
	return nil
}

// directive adds one of n bytes; argument is "{name}" or empty.
func (l *lexer) directive(argument, letter string, n int) {
	if letter == "t" && argument == "" {
		l.literal("[")
		l.add(variable{field: Time, shape: shapeCLF, layout: CLF, rank: 1}, n)
		l.literal("]")
		return
	}
	if letter == "t" {
		argument = "{" + strings.TrimPrefix(strings.TrimPrefix(argument[1:], "begin:"), "end:")
	}
	l.add(apacheDirectives.find(argument+letter), n)
}
