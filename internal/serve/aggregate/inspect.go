package aggregate

import (
	"math"
	"strconv"
	"strings"
)

// inspect prints as node's util.inspect does an object of numbers, or of
// lists of numbers.
type inspect struct {
	entries []string
}

// Widths of util.inspect.
const (
	inspectWidth   = 80
	inspectList    = 100 // elements of a list that are shown
	inspectGrouped = 6   // elements from which on more stand in columns
)

func (o *inspect) number(key string, v float64) {
	o.entries = append(o.entries, inspectKey(key)+": "+string(appendJS(nil, v)))
}

// list adds a list, of which count elements are; more than values holds are not shown.
func (o *inspect) list(key string, values []float64, count int) {
	o.entries = append(o.entries, inspectKey(key)+": "+inspectNumbers(values, count))
}

func (o *inspect) String() string {
	if len(o.entries) == 0 {
		return "{}"
	}
	return joinEntries("{", "}", o.entries, len(o.entries), "", len(o.entries))
}

// joinEntries joins what stands between brackets, on one line if it is short.
// shown is how many entries there were before they were grouped.
func joinEntries(open, end string, entries []string, shown int, indent string, start int) string {
	if len(entries) == shown {
		width := len(entries) + start + len(indent) + len(open) + 10
		one := true
		for _, e := range entries {
			width += len(e)
			one = one && !strings.Contains(e, "\n")
		}
		if one && width <= inspectWidth {
			return open + " " + strings.Join(entries, ", ") + " " + end
		}
	}
	between := "\n" + indent + "  "
	return open + between + strings.Join(entries, ","+between) + "\n" + indent + end
}

// inspectKey quotes what is no identifier.
func inspectKey(key string) string {
	plain := key != ""
	for i, c := range []byte(key) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		plain = plain && (letter || i > 0 && c >= '0' && c <= '9')
	}
	if plain {
		return key
	}
	return "'" + strings.ReplaceAll(strings.ReplaceAll(key, `\`, `\\`), "'", `\'`) + "'"
}

// inspectNumbers prints a list that is a value of an object.
func inspectNumbers(values []float64, count int) string {
	if count == 0 {
		return "[]"
	}
	values = values[:min(len(values), inspectList)]
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = string(appendJS(nil, v))
	}
	entries := cells
	shown := len(cells)
	if len(cells) > inspectGrouped {
		entries = columns(cells)
	}
	if more := count - len(values); more > 0 {
		text := "... " + strconv.Itoa(more) + " more item"
		if more > 1 {
			text += "s"
		}
		entries = append(entries, text)
		shown++
	}
	return joinEntries("[", "]", entries, shown, "  ", len(entries))
}

// columns puts cells into rows of equal columns, about 2.5 times as wide as high.
func columns(cells []string) (rows []string) {
	const gap = 2
	total, longest := 0, 0
	for _, c := range cells {
		total += len(c) + gap
		longest = max(longest, len(c))
	}
	width := longest + gap
	if width*3+2 >= inspectWidth || total/width <= 5 && longest > inspectGrouped {
		return cells
	}
	n := float64(len(cells))
	biased := max(float64(width)-3-math.Sqrt(float64(width)-float64(total)/n), 1)
	per := int(min(math.Floor(math.Sqrt(2.5*biased*n)/biased+.5), float64((inspectWidth-2)/width), 12, 15))
	if per <= 1 {
		return cells
	}
	widths := make([]int, per)
	for i, c := range cells {
		widths[i%per] = max(widths[i%per], len(c))
	}
	for i := 0; i < len(cells); i += per {
		var row []string
		for j, c := range cells[i:min(i+per, len(cells))] {
			row = append(row, strings.Repeat(" ", widths[j]-len(c))+c)
		}
		rows = append(rows, strings.Join(row, ", "))
	}
	return rows
}
