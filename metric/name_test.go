package metric_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	. "github.com/logmetrics/logmetrics/metric"
)

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"requests.GET":              "requests.GET",
		"":                          "_",
		".":                         "_",
		"..a...b..":                 "a.b",
		"a b\tc":                    "a_b_c",
		"x:1|c\ny":                  "x_1_c_y",
		"../../etc/passwd":          "_._etc_passwd",
		"<script>alert(1)</script>": "_script_alert_1_script_",
		"a;b=c":                     "a_b_c",
		"\x00\xff":                  "_",
		"ünter":                     "_nter",
	} {
		assert.Equal(t, want, CleanName(in), "%q", in)
	}
	assert.Equal(t, "a_b", string(AppendNode(nil, []byte("a.b"))))
	assert.Len(t, CleanName(strings.Repeat("n", 1000)), MaxNameLen)
	assert.Equal(t, strings.Repeat("n", MaxNameLen-1), CleanName(strings.Repeat("n", MaxNameLen-1)+".tail"))
}

func FuzzCleanName(f *testing.F) {
	f.Add("a.b c\n")
	f.Fuzz(func(t *testing.T, s string) {
		for _, clean := range []string{CleanName(s), string(AppendNode(nil, []byte(s)))} {
			require.True(t, ValidName(clean), "%q", clean)
			require.LessOrEqual(t, len(clean), MaxNameLen)
			require.False(t, strings.ContainsAny(clean, " :|;=/\\\n\r\x00\"'{}[]()*?#&<>,~$"), "%q", clean)
			require.Equal(t, clean, CleanName(clean))
		}
		require.NotContains(t, string(AppendNode(nil, []byte(s))), ".")
	})
}
