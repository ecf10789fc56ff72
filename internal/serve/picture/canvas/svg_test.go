package canvas

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzEscape: a reader of XML gets the text back, but for what XML cannot say.
func FuzzEscape(f *testing.F) {
	f.Add("a<b>&\"'\t\n\r\x01\xff\ufffe\uffff\U0010ffff")
	f.Fuzz(func(t *testing.T, text string) {
		var got string
		require.NoError(t, xml.Unmarshal([]byte("<t>"+escape(text)+"</t>"), &got))
		var want strings.Builder
		for _, c := range text {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xfffe || c == 0xffff {
				c = '\ufffd'
			}
			want.WriteRune(c)
		}
		assert.Equal(t, want.String(), got)
	})
}
