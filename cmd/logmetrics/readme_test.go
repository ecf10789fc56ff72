package main

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/logmetrics/logmetrics/internal/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// picturedLog is the log of the README, the picture and the demo.
const picturedLog = "postfix/real-rfc3164"

// figures are what the README and the picture may tell of picturedLog, by name.
func figures(t *testing.T) map[string]string {
	t.Helper()
	text := readDoc(t, "testdata/parsers/"+picturedLog+".log")
	known := ours(t, "PostfixParser", picturedLog)
	known["lines"] = strconv.Itoa(strings.Count(text, "\n"))
	known["grep"] = strconv.Itoa(linesWith(text, "status=sent"))
	known["logster"] = logsters(t, "PostfixLogster", picturedLog)["numSent"]
	return known
}

func linesWith(text, word string) (n int) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			n++
		}
	}
	return n
}

// TestNumbersInTheReadme: each number in the README's prose is one of a run.
func TestNumbersInTheReadme(t *testing.T) {
	text := readDoc(t, "README.md")
	for _, code := range []string{"(?m)^    .*$", "`[^`]*`", `\]\([^)]*\)`, `Log4j 1 and 2`} {
		text = regexp.MustCompile(code).ReplaceAllString(text, "")
	}
	known := figures(t)
	got := regexp.MustCompile(`\b[0-9][0-9.,]*\b`).FindAllString(text, -1)
	assert.Equal(t, []string{known["grep"], known["lines"], known["numSent"], known["logster"]}, got)
}

// picture is what the test reads of docs/picture.svg.
type picture struct {
	Texts  []pictureText `xml:"text"`
	Groups []struct {
		ID    string        `xml:"id,attr"`
		Class string        `xml:"class,attr"`
		Texts []pictureText `xml:"text"`
	} `xml:"g"`
}

type pictureText struct {
	ID    string `xml:"id,attr"`
	Class string `xml:"class,attr"`
	Inner string `xml:",innerxml"`
}

func readPicture(t *testing.T) (p picture) {
	t.Helper()
	require.NoError(t, xml.Unmarshal([]byte(readDoc(t, "docs/picture.svg")), &p))
	return p
}

// group returns the texts of the group with an id.
func (p *picture) group(t *testing.T, id string) []string {
	t.Helper()
	for _, g := range p.Groups {
		if g.ID == id {
			return plainTexts(t, g.Texts)
		}
	}
	require.Fail(t, "no group", id)
	return nil
}

func plainTexts(t *testing.T, texts []pictureText) (plain []string) {
	for _, text := range texts {
		plain = append(plain, plainText(t, text.Inner))
	}
	return plain
}

// plainText returns the text of an element's content, without tags.
func plainText(t *testing.T, inner string) string {
	t.Helper()
	var b strings.Builder
	d := xml.NewDecoder(strings.NewReader("<t>" + inner + "</t>"))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		require.NoError(t, err)
		if text, ok := token.(xml.CharData); ok {
			b.Write(text)
		}
	}
}

// TestNumbersInThePicture: the numbers and the lines that are sent are those of a run.
func TestNumbersInThePicture(t *testing.T) {
	p := readPicture(t)
	known := figures(t)
	for _, text := range p.Texts {
		plain := plainText(t, text.Inner)
		want := known["lines"]
		if text.ID == "grep" {
			want = known["grep"]
		}
		for _, number := range regexp.MustCompile(`[0-9]+`).FindAllString(plain, -1) {
			assert.Equal(t, want, number, plain)
		}
	}
	metrics := p.group(t, "metrics")
	require.Len(t, metrics, 10)
	for pair := range slices.Chunk(metrics, 2) {
		assert.Equal(t, known[pair[0]], pair[1], pair[0])
	}
	text := readDoc(t, "testdata/parsers/"+picturedLog+".log")
	for _, output := range []string{"statsd", "graphite"} {
		shown := p.group(t, output)
		assert.Len(t, shown, 2)
		assert.Subset(t, newMinute(t, text).sends("-p", "mx.postfix", "-o", output, "PostfixParser"), shown)
	}
}

// TestLinesInThePicture: they are of the log, and each would be found by grep.
func TestLinesInThePicture(t *testing.T) {
	p := readPicture(t)
	text := readDoc(t, "testdata/parsers/"+picturedLog+".log")
	entries := 0
	for _, g := range p.Groups {
		if g.Class == "entry" {
			entries++
			shown := strings.Join(plainTexts(t, g.Texts), " ")
			assert.True(t, anyLineHas(text, strings.Split(shown, "…")), "no line of the log reads %s", shown)
			assert.Contains(t, shown, "status=sent")
		}
	}
	assert.Equal(t, 4, entries)
}

// anyLineHas reports whether a line of text has the pieces, in their order.
func anyLineHas(text string, pieces []string) bool {
	for line := range strings.Lines(text) {
		ok := true
		for _, piece := range pieces {
			var found bool
			if _, line, found = strings.Cut(line, strings.TrimSpace(piece)); !found {
				ok = false
				break
			}
		}
		if ok {
			return true
		}
	}
	return false
}

// TestReadmeBegins with what it is, what it looks like, and two commands that make
// knows.
func TestReadmeBegins(t *testing.T) {
	first, _, found := strings.Cut(readDoc(t, "README.md"), "\nFrom cron:")
	require.True(t, found)
	assert.Regexp(t, `(?s)^# logmetrics\n\nTurns logs into metrics.*\n\n!\[[^\]]+\]\(docs/demo\.png\)\n\n    make demo .*\n    make test `, first)
	for _, m := range regexp.MustCompile(`(?m)^    make (\w+)`).FindAllStringSubmatch(first, -1) {
		assert.Regexp(t, `(?m)^`+m[1]+`:`, readDoc(t, "Makefile"))
	}
}

// TestDemoOfMetrics runs make demo's script and reads what a stranger would.
func TestDemoOfMetrics(t *testing.T) {
	for _, tool := range []string{"bash", "awk", "grep", "sed", "wc"} {
		testutil.Peer(t, tool)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, root+"tools/demo.sh", program(t))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), stderr.String())
	assert.Empty(t, stderr.String())
	text := stdout.String()
	assert.LessOrEqual(t, strings.Count(text, "\n"), 50, "a screen")
	known := figures(t)
	grep := known["grep"]
	for _, want := range []string{
		`(?m)^` + grep + `$`,
		`(?m)^\d+ of these ` + grep + ` lines record no delivery that was sent`,
		`(?m)^\d+ mail_numSent ` + known["numSent"] + `$`,
		`(?m)^servers\.myhost\.postfix\.numSent:` + known["numSent"] + `\|c$`,
		`(?m)^servers\.myhost\.postfix\.numSent:` + known["numSent"] + `\|g$`,
		`(?m)^servers\.myhost\.postfix\.numSent ` + known["numSent"] + ` \d+$`,
		`(?m)^  \* \* \* \* \* /usr/local/bin/logmetrics .* PostfixParser /var/log/mail\.log$`,
	} {
		assert.Regexp(t, want, text)
	}
}
