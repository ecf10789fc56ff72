package picture_test

import (
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/picture"
)

const docs = "../../../docs"

// documented gives the parameters of docs/pictures.md with an example each.
func documented(t *testing.T) url.Values {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docs, "pictures.md"))
	require.NoError(t, err)
	all := url.Values{}
	for _, row := range regexp.MustCompile("(?m)^\\| ((?:`\\w+`(?:, )?)+) \\| `([^`]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		for _, name := range regexp.MustCompile(`\w+`).FindAllString(row[1], -1) {
			all.Set(name, row[2])
		}
	}
	require.Greater(t, len(all), 60)
	return all
}

func TestEveryParameterOfTheDocsIsRead(t *testing.T) {
	for name, v := range documented(t) {
		p, err := picture.ParseParams(url.Values{name: v})
		require.NoError(t, err, name)
		if v[0] != "false" { // what is the same without has no field that says so
			assert.NotEqual(t, picture.Params{}, p, "%s=%s", name, v[0])
		}
	}
}

func TestEveryParameterIsInTheDocs(t *testing.T) {
	all := documented(t)
	// Both cannot be: an end of an axis is the highest value, or a number.
	all.Set("yMax", "7")
	for _, low := range []string{"yMin", "yMinLeft", "yMinRight"} {
		all.Set(low, "-7")
	}
	p, err := picture.ParseParams(all)
	require.NoError(t, err)
	var unset []string
	var walk func(name string, v reflect.Value)
	walk = func(name string, v reflect.Value) {
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				walk(name+"."+v.Type().Field(i).Name, v.Field(i))
			}
			return
		}
		if v.IsZero() {
			unset = append(unset, name)
		}
	}
	walk("Params", reflect.ValueOf(p))
	assert.Equal(t, []string{"Params.Y.MaxOfData", "Params.YLeft.MaxOfData", "Params.YRightSide.MaxOfData"}, unset)
}

func TestPicturesOfTheDocs(t *testing.T) {
	for _, s := range gallery() {
		if s.docs != "" {
			path := filepath.Join(docs, s.docs)
			golden(t, path, draw(t, picture.PNG, s.graph(t)))
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Less(t, info.Size(), int64(40_000), s.docs)
		}
	}
}
