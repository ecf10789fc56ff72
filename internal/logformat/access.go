package logformat

// AccessField is what a part of a line means.
type AccessField uint8

// The fields. What a format has besides is skipped.
const (
	skipped      AccessField = iota
	Time                     // in the layout that Access.TimeLayout names
	Request                  // "GET /path HTTP/1.1"
	Method                   // "GET"
	Status                   // digits
	Bytes                    // of the reply; digits or "-"
	RequestTime              // a number in units of Access.TimesPerSecond, or "-"
	UpstreamTime             // seconds; several joined by ", " and " : " when nginx asked several servers
	Host                     // the virtual host, with or without its port
	fieldCount
)

// AccessFields holds what a scan found; what the format does not have is nil.
type AccessFields [fieldCount][]byte

// TimeLayout is how a format writes the time.
type TimeLayout uint8

// The layouts.
const (
	NoTime      TimeLayout = iota // the format has no time, or in a layout of its own
	CLF                           // 20/Nov/2026:10:00:00 -0500
	ISO8601                       // 2026-11-20T10:00:00-05:00
	Epoch                         // Unix seconds with or without a fraction, or milliseconds
	EpochMicros                   // Unix microseconds
)

// Access finds the fields of one format of access logs. A quoted field ends at
// the first quote without a backslash, whatever the other fields hold; a time
// is known by its shape, so a user's name may hold spaces and brackets. Fields
// are neither unescaped nor judged. It is safe for concurrent use.
type Access struct {
	format string
	prefix string // literal before the first field
	steps  []step
	layout TimeLayout
	// perSecond is how many of RequestTime's units are a second.
	perSecond float64
}

// step is one field and the literal between it and the next one.
type step struct {
	field AccessField
	shape shape
	next  string
	// ahead is the shape of the field after next. A text that may hold next
	// itself ends where a field of that shape follows.
	ahead shape
	// then is the literal behind the field ahead, if that is a time or a number.
	then string
}

// shape is how the end of a field is found.
type shape uint8

const (
	shapeText   shape = iota // at the first next after which a field of the shape ahead starts
	shapeQuoted              // at the first quote that has no backslash before it
	shapeNumber              // after digits, '.', '-'
	shapeList                // as text, but ", " and " : " go on with another item
	shapeCLF                 // after 26 bytes
	shapeISO                 // after 19 bytes and a zone
)

// TimeLayout returns how the lines write the time.
func (a *Access) TimeLayout() TimeLayout { return a.layout }

// TimesPerSecond returns how many of the units of RequestTime are a second: 1,
// 1e3 or 1e6; 0 when the format does not have it.
func (a *Access) TimesPerSecond() float64 { return a.perSecond }

// Has reports whether the format has the field and Scan looks for it.
func (a *Access) Has(f AccessField) bool {
	for i := range a.steps {
		if a.steps[i].field == f {
			return true
		}
	}
	return false
}

// String returns the format.
func (a *Access) String() string { return a.format }
