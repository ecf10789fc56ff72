package prometheus

import (
	"math"
	"mime"
	"strconv"
	"strings"
)

// The media types of the two texts.
const (
	TextType        = "text/plain; version=0.0.4; charset=utf-8"
	OpenMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)

// AppendText appends the page in the text format 0.0.4.
func (p *Page) AppendText(dst []byte) []byte { return p.append(dst, false) }

// AppendOpenMetrics appends the page in OpenMetrics 1.0.
func (p *Page) AppendOpenMetrics(dst []byte) []byte {
	return append(p.append(dst, true), "# EOF\n"...)
}

func (p *Page) append(dst []byte, openMetrics bool) []byte {
	for _, f := range p.families {
		name := f.name
		if f.kind == Counter && !openMetrics {
			name += "_total"
		}
		dst = append(append(append(dst, "# HELP "...), name...), ' ')
		dst = append(appendEscaped(dst, f.help, openMetrics), "\n# TYPE "...)
		dst = append(append(append(dst, name...), ' '), f.kind.String()...)
		dst = append(dst, '\n')
		for _, s := range f.series {
			s.each(func(ending, le string, value float64) {
				dst = appendLine(dst, f.name, ending, s.Labels.text, le, value)
			})
		}
	}
	return dst
}

func appendLine(dst []byte, name, ending, labels, le string, value float64) []byte {
	dst = append(append(dst, name...), ending...)
	if labels != "" || le != "" {
		dst = append(append(dst, '{'), labels...)
		if labels != "" && le != "" {
			dst = append(dst, ',')
		}
		if le != "" {
			dst = appendLabel(dst, Label{"le", le})
		}
		dst = append(dst, '}')
	}
	return append(AppendValue(append(dst, ' '), value), '\n')
}

// AppendValue appends the shortest decimal that reads back as the same number.
func AppendValue(dst []byte, v float64) []byte {
	if math.IsInf(v, 1) {
		return append(dst, "+Inf"...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// AppendSample appends one number of a request as a line of text:
// name{label="value",...} value milliseconds.
func AppendSample(dst []byte, labels []RawLabel, s Sample) []byte {
	for _, l := range labels {
		if string(l.Name) == "__name__" {
			dst = append(dst, l.Value...)
		}
	}
	between := byte('{')
	for _, l := range labels {
		if string(l.Name) != "__name__" {
			dst = appendLabel(append(dst, between), Label{string(l.Name), string(l.Value)})
			between = ','
		}
	}
	if between == ',' {
		dst = append(dst, '}')
	}
	dst = AppendValue(append(dst, ' '), s.Value)
	return append(strconv.AppendInt(append(dst, ' '), s.Milliseconds, 10), '\n')
}

func appendLabel(dst []byte, l Label) []byte {
	dst = append(append(dst, l.Name...), `="`...)
	return append(appendEscaped(dst, l.Value, true), '"')
}

// appendEscaped appends text without line ends.
func appendEscaped(dst []byte, text string, quotes bool) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\\' || c == '"' && quotes:
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// WantsOpenMetrics reports whether an Accept header likes OpenMetrics at least
// as much as plain text.
func WantsOpenMetrics(accept string) bool {
	open, plain := 0., 0.
	for part := range strings.SplitSeq(accept, ",") {
		kind, param, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.
		if text, ok := param["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		version := param["version"]
		switch {
		case kind == "application/openmetrics-text" && (version == "" || version == "1.0.0" || version == "0.0.1"):
			open = max(open, q)
		case kind == "text/plain":
			plain = max(plain, q)
		}
	}
	return open > 0 && open >= plain
}
