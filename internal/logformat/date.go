package logformat

import (
	"fmt"
	"strings"
)

// Date reads stamps in one format of Java's SimpleDateFormat or of those that
// Log4j names. It is safe for concurrent use.
type Date struct{ items []dateItem }

// Fields are what a stamp says. Year and Month are 0 when it does not say
// them; without a Month it is a time of day.
type Fields struct {
	Year, Month, Day, Hour, Min, Sec int
	Zoned                            bool
	Offset                           int // seconds east of UTC, with Zoned
	Epoch                            bool
	Unix                             int64 // Unix seconds, with Epoch
}

type dateItem struct {
	letter byte   // as in SimpleDateFormat; 0 for text, '*' for a space or T
	text   string // of letter 0
	min    int    // digits, or letters
	max    int
}

// The formats that Log4j 1 and 2 have names for.
var namedDates = []struct{ name, format string }{
	{"DEFAULT", "yyyy-MM-dd HH:mm:ss,S"},
	{"DEFAULT_MICROS", "yyyy-MM-dd HH:mm:ss,S"},
	{"DEFAULT_NANOS", "yyyy-MM-dd HH:mm:ss,S"},
	{"DEFAULT_PERIOD", "yyyy-MM-dd HH:mm:ss.S"},
	{"ISO8601", "yyyy-MM-dd*HH:mm:ss,S"}, // Log4j 1 with a space, 2 with a T
	{"ISO8601_PERIOD", "yyyy-MM-dd'T'HH:mm:ss.S"},
	{"ISO8601_PERIOD_MICROS", "yyyy-MM-dd'T'HH:mm:ss.S"},
	{"ISO8601_BASIC", "yyyyMMdd'T'HHmmss,S"},
	{"ISO8601_BASIC_PERIOD", "yyyyMMdd'T'HHmmss.S"},
	{"ISO8601_OFFSET_DATE_TIME_HH", "yyyy-MM-dd'T'HH:mm:ss,SX"},
	{"ISO8601_OFFSET_DATE_TIME_HHMM", "yyyy-MM-dd'T'HH:mm:ss,SX"},
	{"ISO8601_OFFSET_DATE_TIME_HHCMM", "yyyy-MM-dd'T'HH:mm:ss,SX"},
	{"ABSOLUTE", "HH:mm:ss,S"},
	{"ABSOLUTE_MICROS", "HH:mm:ss,S"},
	{"ABSOLUTE_NANOS", "HH:mm:ss,S"},
	{"ABSOLUTE_PERIOD", "HH:mm:ss.S"},
	{"COMPACT", "yyyyMMddHHmmssS"},
	{"DATE", "dd MMM yyyy HH:mm:ss,S"},
	{"DATE_PERIOD", "dd MMM yyyy HH:mm:ss.S"},
	{"US_MONTH_DAY_YEAR2_TIME", "dd/MM/yy HH:mm:ss.S"},
	{"US_MONTH_DAY_YEAR4_TIME", "dd/MM/yyyy HH:mm:ss.S"},
	{"UNIX", "U"},
	{"UNIX_MILLIS", "V"},
	{"", "yyyy-MM-dd*HH:mm:ss,S"},
}

// DayFirst returns what reads "06 Nov 1994 15:49:37", which Log4j calls DATE, without its fraction.
func DayFirst() *Date {
	d, err := CompileDate("dd MMM yyyy HH:mm:ss")
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return d
}

// CompileDate returns the Date for a format: a name of Log4j's, or letters as
// SimpleDateFormat has them. Errors are for letters that it does not know.
func CompileDate(format string) (*Date, error) {
	for _, d := range namedDates {
		if d.name == format {
			format = d.format
			break
		}
	}
	d := new(Date)
	for i := 0; i < len(format); {
		c, n := format[i], 1
		switch {
		case c == '\'':
			n = d.quoted(format[i:])
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			for i+n < len(format) && format[i+n] == c {
				n++
			}
			if err := d.letters(c, n); err != nil {
				return nil, err
			}
		case c == '*':
			d.items = append(d.items, dateItem{letter: '*', min: 1})
		default:
			d.literal(string(c))
		}
		i += n
	}
	return d, nil
}

// quoted adds the text between apostrophes that s starts with, in which two of
// them are one, and returns how long it is in s.
func (d *Date) quoted(s string) (n int) {
	if strings.HasPrefix(s, "''") {
		d.literal("'")
		return 2
	}
	for n = 1; n < len(s); n++ {
		if s[n] != '\'' {
			d.literal(s[n : n+1])
			continue
		}
		if n++; n == len(s) || s[n] != '\'' {
			return n
		}
		d.literal("'")
	}
	return n
}

func (d *Date) literal(text string) { d.items = append(d.items, dateItem{text: text, min: len(text)}) }

// letters adds a run of n times the letter c.
func (d *Date) letters(c byte, n int) error {
	it := dateItem{letter: c, min: n, max: max(n, 2)}
	switch c {
	case 'y', 'u':
		it.letter, it.max = 'y', n
		if n < 4 {
			it.min, it.max = 2, 2
		}
	case 'M', 'L':
		it.letter = 'M'
		if n >= 3 {
			it.letter, it.min, it.max = 'N', 3, 3
		}
	case 'd', 'H', 'm', 's', 'h':
	case 'S', 'n':
		it.letter, it.min, it.max = 'S', 1, 9
	case 'E', 'z', 'V':
		if c == 'V' && n == 1 {
			it.min, it.max = 13, 13
			break
		}
		it.letter, it.min, it.max = 'E', 1, 32
	case 'a':
		it.min, it.max = 2, 2
	case 'X', 'x', 'Z':
		it.letter, it.min = 'X', 1
	case 'U':
		it.min, it.max = 9, 11
	default:
		return fmt.Errorf("the date's letter %q is not known", c)
	}
	d.items = append(d.items, it)
	return nil
}

// Read reads the stamp at the start of b; n is its length.
func (d *Date) Read(b []byte) (f Fields, n int, ok bool) {
	half := -1 // 0 in the morning, 12 in the afternoon
	for k := range d.items {
		it, used := &d.items[k], 0
		rest := b[n:]
		if len(rest) < it.min {
			return f, 0, false
		}
		switch it.letter {
		case 0:
			if string(rest[:it.min]) == it.text {
				used = it.min
			}
		case '*':
			if rest[0] == ' ' || rest[0] == 'T' {
				used = 1
			}
		case 'N':
			if f.Month = monthNumber(rest); f.Month > 0 {
				used = 3
			}
		case 'E':
			used = lettersEnd(rest[:min(len(rest), it.max)])
		case 'X':
			f.Offset, used = readZone(rest)
			f.Zoned = true
		case 'a':
			if (rest[0] == 'A' || rest[0] == 'P') && rest[1] == 'M' {
				half, used = 12*int((rest[0]-'A')/('P'-'A')), 2
			}
		default:
			used = f.number(it, rest)
		}
		if used == 0 {
			return f, 0, false
		}
		n += used
	}
	if half >= 0 {
		f.Hour = f.Hour%12 + half
	}
	return f, n, true
}

// number reads the digits of one field and returns how many they are, 0 when
// they are too few.
func (f *Fields) number(it *dateItem, b []byte) (used int) {
	v := int64(0)
	for used < it.max && used < len(b) && b[used]-'0' <= 9 {
		v = v*10 + int64(b[used]-'0')
		used++
	}
	if used < it.min {
		return 0
	}
	switch it.letter {
	case 'y':
		if f.Year = int(v); it.max == 2 {
			f.Year += 2000
		}
	case 'M':
		f.Month = int(v)
	case 'd':
		f.Day = int(v)
	case 'H', 'h':
		f.Hour = int(v)
	case 'm':
		f.Min = int(v)
	case 's':
		f.Sec = int(v)
	case 'U':
		f.Unix, f.Epoch = v, true
	case 'V':
		f.Unix, f.Epoch = v/1000, true
	}
	return used
}

func monthNumber(b []byte) int {
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	if i := strings.Index(months, string(b[:3])); i >= 0 && i%3 == 0 {
		return i/3 + 1
	}
	return 0
}

func lettersEnd(b []byte) (n int) {
	for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z' || b[n] >= 0x80) {
		n++
	}
	return n
}

// readZone reads Z, +hh, +hhmm or +hh:mm: seconds east of UTC, and its length.
func readZone(b []byte) (offset, n int) {
	if b[0] == 'Z' {
		return 0, 1
	}
	if len(b) < 3 || b[0] != '+' && b[0] != '-' || b[1]-'0' > 9 || b[2]-'0' > 9 {
		return 0, 0
	}
	offset, n = int(b[1]-'0')*36000+int(b[2]-'0')*3600, 3
	m := n
	if m < len(b) && b[m] == ':' {
		m++
	}
	if m+2 <= len(b) && b[m]-'0' <= 9 && b[m+1]-'0' <= 9 {
		offset, n = offset+int(b[m]-'0')*600+int(b[m+1]-'0')*60, m+2
	}
	if b[0] == '-' {
		offset = -offset
	}
	return offset, n
}
