package web

import (
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestContrast: in light and in dark, what is drawn stands out from what it is drawn
// on by 3:1 and what is read by 4.5:1, as WCAG 2.1 computes it (1.4.11 and 1.4.3).
func TestContrast(t *testing.T) {
	require.InDelta(t, 4.48, contrast("#777777", "#ffffff"), 0.01)
	css, err := fs.ReadFile(static, "static/app.css")
	require.NoError(t, err)
	palette, err := fs.ReadFile(static, "static/js/palette.js")
	require.NoError(t, err)
	for _, theme := range []string{"light", "dark"} {
		vars := variables(t, string(css), theme)
		series := regexp.MustCompile(`const ` + theme + ` = \[(.*?)\]`).FindSubmatch(palette)
		require.NotNil(t, series)
		drawn := regexp.MustCompile(`#[0-9a-f]{6}`).FindAllString(string(series[1]), -1)
		require.Len(t, drawn, 10)
		for _, ground := range []string{"page", "panel", "chosen", "grid"} {
			for _, c := range append(drawn, vars["event"], vars["accent"]) {
				assert.GreaterOrEqual(t, contrast(c, vars[ground]), 3.0, "%s on %s, %s", c, ground, theme)
			}
			for _, text := range []string{"text", "quiet", "danger"} {
				assert.GreaterOrEqual(t, contrast(vars[text], vars[ground]), 4.5, "%s on %s, %s", text, ground, theme)
			}
		}
		for _, ground := range []string{"page", "panel"} {
			assert.GreaterOrEqual(t, contrast(vars["accent"], vars[ground]), 4.5, "a link on %s, %s", ground, theme)
		}
	}
}

// variables returns a theme's colours by name.
func variables(t *testing.T, css, theme string) map[string]string {
	t.Helper()
	begin := ":root {"
	if theme == "dark" {
		begin = `:root[data-theme="dark"] {`
	}
	_, block, ok := strings.Cut(css, begin)
	require.True(t, ok)
	block, _, _ = strings.Cut(block, "}")
	vars := make(map[string]string)
	for _, m := range regexp.MustCompile(`--(\w+): (#[0-9a-f]{6});`).FindAllStringSubmatch(block, -1) {
		vars[m[1]] = m[2]
	}
	return vars
}

// contrast is the ratio of two colours' luminances, from 1 to 21.
func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(hex string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		v, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return math.NaN()
		}
		c := float64(v) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
