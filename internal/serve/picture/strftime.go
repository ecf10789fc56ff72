package picture

import (
	"fmt"
	"strings"
	"time"
)

// strftime formats a time as C's and Python's function of that name does in the
// C locale. A directive that it does not know stays as it is.
func strftime(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		if (format[i] == '-' || format[i] == '_') && i+1 < len(format) { // no zeros, spaces for zeros
			flag := format[i]
			i++
			b.WriteString(unpadded(directive(format[i], t), flag == '_'))
			continue
		}
		b.WriteString(directive(format[i], t))
	}
	return b.String()
}

func unpadded(s string, spaces bool) string {
	cut := strings.TrimLeft(s, "0 ")
	if cut == "" || cut[0] < '0' || cut[0] > '9' {
		cut = s[max(len(s)-1, 0):]
	}
	if spaces {
		return strings.Repeat(" ", len(s)-len(cut)) + cut
	}
	return cut
}

func directive(c byte, t time.Time) string {
	if layout, ok := map[byte]string{
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan", 'd': "02", 'e': "_2", 'm': "01", 'y': "06", 'Y': "2006",
		'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'P': "pm", 'j': "002", 'Z': "MST", 'z': "-0700",
		'D': "01/02/06", 'x': "01/02/06", 'F': "2006-01-02", 'T': "15:04:05", 'X': "15:04:05", 'R': "15:04",
		'r': "03:04:05 PM", 'c': "Mon Jan _2 15:04:05 2006",
	}[c]; ok {
		return t.Format(layout)
	}
	switch c {
	case '%':
		return "%"
	case 'n', 't':
		return " "
	case 'f':
		return fmt.Sprintf("%06d", t.Nanosecond()/1000)
	case 's':
		return fmt.Sprint(t.Unix())
	case 'k':
		return fmt.Sprintf("%2d", t.Hour())
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1)
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100)
	}
	return week(c, t)
}

// week gives the directives of weeks and their days.
func week(c byte, t time.Time) string {
	sunday, monday := int(t.Weekday()), (int(t.Weekday())+6)%7
	year, iso := t.ISOWeek()
	switch c {
	case 'w':
		return fmt.Sprint(sunday)
	case 'u':
		return fmt.Sprint(monday + 1)
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-sunday)/7)
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-monday)/7)
	case 'V':
		return fmt.Sprintf("%02d", iso)
	case 'G':
		return fmt.Sprint(year)
	case 'g':
		return fmt.Sprintf("%02d", year%100)
	}
	return "%" + string(rune(c))
}
