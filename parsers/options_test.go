package parsers

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
)

// shapes has an option of each sort.
func shapes() (fs *flags, text *string, on *bool) {
	fs = newFlags("ShapeParser")
	text = fs.String("text", "none", "a `word` to take")
	fs.also("text", "t", "a-text")
	on = fs.Bool("switch", false, "turn it on")
	return fs, text, on
}

func TestFlagsAreGivenInEachWay(t *testing.T) {
	for _, args := range [][]string{
		{"--text=a", "--switch"}, {"-text", "a", "-switch"}, {"-t", "a", "--switch=true"}, {"-t=a", "-switch=1"}, {"--a-text", "a", "--switch"},
	} {
		fs, text, on := shapes()
		require.NoError(t, parseFlags(fs, args), args)
		assert.Equal(t, "a", *text, args)
		assert.True(t, *on, args)
	}
}

func TestFlagsSayWhatIsWrong(t *testing.T) {
	for want, args := range map[string][]string{
		`ShapeParser: there is no option --texts; did you mean --text?`: {"--texts=a"},
		`ShapeParser: there is no option -x`:                            {"-x"},
		`ShapeParser: --text needs a value`:                             {"--text"},
		`ShapeParser: --switch=perhaps: true or false is expected`:      {"--switch=perhaps"},
		`ShapeParser: unexpected argument "a"`:                          {"--switch", "a"},
		`ShapeParser: unexpected argument "--"`:                         {"--", "--switch"},
	} {
		fs, _, _ := shapes()
		assert.EqualError(t, parseFlags(fs, args), want)
	}
	assert.EqualError(t, parseFlags(newFlags("P"), []string{"--a"}), "P: there is no option -a, nor any other")
}

func TestFlagsHelp(t *testing.T) {
	for _, arg := range []string{"-h", "--help"} {
		fs, _, _ := shapes()
		var help *UsageError
		require.ErrorAs(t, parseFlags(fs, []string{arg}), &help)
		assert.True(t, help.Help)
		assert.Equal(t, "  --switch\n      turn it on\n  -t, --text, --a-text=WORD\n      a word to take (default none)\n", help.Usage)
	}
}

// An alias with options of its own names itself.
func TestUsageErrorsNameTheParser(t *testing.T) {
	for alias, want := range map[bool]string{false: "MetricParser: ", true: "MetricLogster: "} {
		_, err := newMetric(Options{Alias: alias, Args: []string{"--nothing"}}, metric.NewRecorder(metric.RecorderOptions{}))
		assert.ErrorContains(t, err, want)
	}
}
