package logformat_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/internal/logformat"
)

const (
	nginxCommon    = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent`
	nginxCombined  = nginxCommon + ` "$http_referer" "$http_user_agent"`
	apacheCommon   = `%h %l %u %t \"%r\" %>s %b`
	apacheCombined = apacheCommon + ` \"%{Referer}i\" \"%{User-agent}i\"`
)

// names are the fields as the tests write them.
var names = []struct {
	name  string
	field AccessField
}{
	{"time", Time}, {"request", Request}, {"method", Method}, {"status", Status},
	{"bytes", Bytes}, {"took", RequestTime}, {"upstream", UpstreamTime}, {"host", Host},
}

// scan returns what is found as "name=value|name=value", "no" when nothing is.
func scan(t *testing.T, s *Access, line string) string {
	t.Helper()
	var f AccessFields
	if !s.Scan([]byte(line), &f) {
		return "no"
	}
	var found []string
	for _, n := range names {
		if f[n.field] != nil {
			found = append(found, n.name+"="+string(f[n.field]))
		}
	}
	return strings.Join(found, "|")
}

func TestAccess(t *testing.T) {
	const stamp = "20/Nov/2026:10:00:00 -0500"
	for _, test := range []struct{ format, line, want string }{
		{nginxCombined, `::1 - - [` + stamp + `] "GET / HTTP/1.1" 200 7 "-" "x"`, "time=" + stamp + "|request=GET / HTTP/1.1|status=200|bytes=7"},
		{apacheCombined, `::1 - - [` + stamp + `] "GET / HTTP/1.1" 200 - "-" "x"`, "time=" + stamp + "|request=GET / HTTP/1.1|status=200|bytes=-"},
		// spaces and brackets in the user's name, also a time
		{nginxCommon, `::1 - x - [y]  [` + stamp + `] "GET / HTTP/1.1" 200 7`, "time=" + stamp + "|request=GET / HTTP/1.1|status=200|bytes=7"},
		{nginxCommon, `::1 - [` + stamp + `] \x22GET\x22 [` + stamp + `] "a" 200 7`, "time=" + stamp + "|request=a|status=200|bytes=7"},
		// quotes, escaped and not
		{apacheCommon, `::1 - - [` + stamp + `] "GET /\"q\" 500 1" 200 7`, "time=" + stamp + `|request=GET /\"q\" 500 1|status=200|bytes=7`},
		{apacheCommon, `::1 - - [` + stamp + `] "GET /\\\" 500 1" 200 7`, "time=" + stamp + `|request=GET /\\\" 500 1|status=200|bytes=7`},
		{apacheCommon, `::1 - - [` + stamp + `] "back\\" 200 7`, "time=" + stamp + `|request=back\\|status=200|bytes=7`},
		{apacheCommon, `::1 - - [` + stamp + `] "a"b" 200 7`, "no"},
		{apacheCommon, `::1 - - [` + stamp + `] "" 408 -`, "time=" + stamp + "|request=|status=408|bytes=-"},
		// cut and foreign lines
		{apacheCommon, `::1 - - [` + stamp + `] "GET / HTTP/1.1" 200`, "no"},
		{apacheCommon, `::1 - - [` + stamp + `] "GET / HTTP/1.1`, "no"},
		{apacheCommon, `::1 - - [bad time] "GET / HTTP/1.1" 200 7`, "no"},
		{apacheCommon, `::1 - - [` + stamp + `] "GET / HTTP/1.1" 200 7x`, "no"},
		{apacheCommon, ``, "no"},
		// other layouts of the time
		{`$time_iso8601 $status`, `2026-11-20T10:00:00-05:00 200`, "time=2026-11-20T10:00:00-05:00|status=200"},
		{`$remote_user $time_iso8601 $status`, `a b 2026-11-20T10:00:00Z 200`, "time=2026-11-20T10:00:00Z|status=200"},
		{`$msec $status`, `1763694524.123 200`, "time=1763694524.123|status=200"},
		{`%{begin:usec}t %s`, `1763694524123456 200`, "time=1763694524123456|status=200"},
		{`[%{%Y-%m-%d %H:%M}t] %s`, `[2026-11-20 10:00] 200`, "status=200"},
		// of two that say the same
		{`$bytes_sent $body_bytes_sent`, `9 7`, "bytes=7"},
		{`$http_host $host $server_name $status`, `a b c 200`, "status=200|host=c"},
		{`%T %{ms}T %D %s`, `1 1250 1250000 200`, "status=200|took=1250000"},
		{`%O %b %s`, `9 - 200`, "status=200|bytes=-"},
		// lists of nginx's upstreams
		{`$upstream_addr $upstream_status $upstream_response_time $status`, `a:80, b:80 : c:80 502, - : 200 0.1, - : 0.2 200`, "status=200|upstream=0.1, - : 0.2"},
		{`$status "$upstream_response_time"`, `200 "0.1, 0.2"`, "status=200|upstream=0.1, 0.2"},
		{`$status $upstream_response_time`, `200 0.1, 0.2`, "status=200|upstream=0.1, 0.2"},
		{`$status $upstream_response_time`, `200 `, "no"},
		// the text before a number may hold the literal between them
		{`$request $status $body_bytes_sent`, `GET /a b HTTP/1.1 200 7`, "request=GET /a b HTTP/1.1|status=200|bytes=7"},
		// Apache's modifiers and signs
		{`100%% %!400,501{User-agent}i %<s %^ti`, `100% curl 200 x`, "status=200"},
		{`%v:%p %s`, `www.example.com:443 200`, "status=200|host=www.example.com"},
		{`%{Host}i\t%s`, "a.test\t200", "status=200|host=a.test"},
		{`${request_method}:$status`, `GET:200`, "method=GET|status=200"},
		{`status=$status;`, `status=200;`, "status=200"},
		{`status=$status;`, `status=200`, "no"},
		{`status=$status;`, `stat`, "no"},
	} {
		s, err := CompileAccess(test.format)
		require.NoError(t, err, test.format)
		assert.Equal(t, test.want, scan(t, s, test.line), "%s\n%s", test.format, test.line)
	}
}

// TestAccessEndsAtTheLastWanted also shows that skipped texts before a time are
// one: vhost_combined is read by the format of combined.
func TestAccessEndsAtTheLastWanted(t *testing.T) {
	s, err := CompileAccess(apacheCombined, Status)
	require.NoError(t, err)
	assert.False(t, s.Has(Bytes))
	assert.True(t, s.Has(Status))
	assert.Equal(t, "status=200", scan(t, s, `a.test:80 ::1 - - [20/Nov/2026:10:00:00 -0500] "GET" 200 `))
}

func TestAccessLayoutAndUnit(t *testing.T) {
	for format, want := range map[string]struct {
		layout    TimeLayout
		perSecond float64
	}{
		`%t %D`:                       {CLF, 1e6},
		`%t %{us}T`:                   {CLF, 1e6},
		`%{sec}t %{ms}T`:              {Epoch, 1e3},
		`%{end:msec}t %T`:             {Epoch, 1},
		`%{usec}t %{s}T`:              {EpochMicros, 1},
		`%{%s}t %s`:                   {NoTime, 0},
		`$time_local $request_time`:   {CLF, 1},
		`$time_iso8601 $request_time`: {ISO8601, 1},
		`$msec $time_local`:           {Epoch, 0},
	} {
		s, err := CompileAccess(format)
		require.NoError(t, err)
		assert.Equal(t, want.layout, s.TimeLayout(), format)
		assert.InDelta(t, want.perSecond, s.TimesPerSecond(), 0, format)
		assert.Equal(t, format, s.String())
	}
}

func TestAccessErrors(t *testing.T) {
	for format, want := range map[string]string{
		"":                 "no variable",
		"plain text":       "no variable",
		"$":                "byte 1: $ without the name of a variable",
		"a $-":             "byte 3: $ without the name of a variable",
		"${}":              "byte 1: $ without the name of a variable",
		"$status ${status": "byte 9: ${ is not closed",
		"%s %":             "byte 4: a directive without its letter",
		"%s %>":            "byte 4: a directive without its letter",
		"%s %{a":           "byte 4: %{ is not closed",
		"%s %:":            "byte 4: %: is no directive",
		"%h%s":             "byte 3: a variable follows another",
	} {
		_, err := CompileAccess(format)
		assert.ErrorContains(t, err, want, format)
	}
}

// TestAccessIsLinear reads lines of 1 MiB on which going back would take hours.
func TestAccessIsLinear(t *testing.T) {
	const size = 1 << 20
	start := time.Now()
	for _, format := range []string{nginxCombined, apacheCombined, `$request $status $host`, `$upstream_addr $upstream_status`, `$remote_user, $status`} {
		s, err := CompileAccess(format)
		require.NoError(t, err)
		for _, unit := range []string{"a", " ", "[", " [", `\`, `\"`, `"`, `" `, "1", " 1", ", ", " : ", ",", "\x00", " [20/Nov/2026:10:00:00 -0500]"} {
			for _, head := range []string{"", `::1 - - [20/Nov/2026:10:00:00 -0500] "`} {
				var f AccessFields
				s.Scan(append([]byte(head), bytes.Repeat([]byte(unit), size/len(unit))...), &f)
			}
		}
	}
	assert.Less(t, time.Since(start), time.Minute)
}

// FuzzAccess compiles any format and scans any line: nothing panics, and what is
// found are parts of the line, in the format's order.
func FuzzAccess(f *testing.F) {
	f.Add(nginxCombined, `::1 - - [20/Nov/2026:10:00:00 -0500] "GET / HTTP/1.1" 200 7 "-" "x"`)
	f.Add(apacheCombined, `::1 - x [y] [20/Nov/2026:10:00:00 -0500] "GET /\"" 200 -`)
	f.Add(`$upstream_response_time : $status`, `0.1, 0.2 : 0.3 : 200`)
	f.Add(`%{usec}t %v:%p %s`, `1763694524123456 a:80 200`)
	f.Fuzz(func(t *testing.T, format, line string) {
		s, err := CompileAccess(format)
		if err != nil {
			return
		}
		var fields AccessFields
		if !s.Scan([]byte(line), &fields) {
			return
		}
		for _, found := range fields {
			assert.Contains(t, line, string(found))
		}
	})
}

func BenchmarkAccess(b *testing.B) {
	line := []byte(`192.0.2.7 - - [20/Nov/2026:10:00:00 -0500] "GET /index.html HTTP/1.1" 200 7123 "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0" 0.012`)
	s, err := CompileAccess(nginxCombined + ` $request_time`)
	require.NoError(b, err)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	var f AccessFields
	for b.Loop() {
		s.Scan(line, &f)
	}
}
