package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/logmetrics/logmetrics/outputs"
)

const shortUsage = `usage: logmetrics [run] [flags] PARSER LOG...
       logmetrics COMMAND

For example, from cron:
  logmetrics -p servers.myhost.postfix --output=statsd PostfixParser /var/log/mail.log

Commands: run daemon serve check parsers db state version completion
More:     logmetrics --help
`

const examples = `Examples:
  See what would be sent, without touching anything:
    logmetrics --dry-run --output=statsd PostfixParser /var/log/mail.log
  Send it, each minute from cron:
    * * * * * logmetrics -p servers.myhost.postfix --output=statsd PostfixParser /var/log/mail.log
  Follow it, and send it each 10 seconds:
    logmetrics --follow -p servers.myhost.postfix --output=graphite PostfixParser /var/log/mail.log
`

const settingsNote = `Each flag is also read from LOGMETRICS_<FLAG>, as LOGMETRICS_STATE_DIR, and from
the file of --config; a flag goes before the environment, the environment before
the file. A parser or log that is called like a command: logmetrics run ...
`

const serveNote = `Each flag is also read from LOGMETRICS_<FLAG>, as LOGMETRICS_TOKEN_FILE, and from
the file of --config; a flag goes before the environment, the environment before
the file.
`

const serveExamples = `Examples:
  Take and keep what is sent on this machine, then send something:
    logmetrics serve
    echo "my.first.metric 42 $(date +%s)" | nc -q0 127.0.0.1 2003
  Take carbon's lines of a network, and HTTP with a token of everybody:
    logmetrics serve --carbon=0.0.0.0:2003 --allow=10.0.0.0/8 --http=0.0.0.0:8080 --token-file=/etc/logmetrics.token
`

// groups returns the headings of the flags in the help: it has them in the order
// of the flags themselves, those of each output behind what every job may need.
func groups() []kong.Group {
	list := []kong.Group{
		{Key: "input", Title: "Input"},
		{Key: "follow", Title: "Intervals, and reading logs as they grow"},
		{Key: "names", Title: "Names"},
		{Key: "outputs", Title: "Outputs"},
		{Key: "state", Title: "State and configuration"},
		{Key: "logster", Title: "Messages, and what Logster has"},
	}
	for _, f := range outputs.Table() {
		list = append(list, kong.Group{Key: f.Name, Title: "Output " + f.Name + ": " + f.Summary})
	}
	return list
}

// serveGroups returns the headings of the flags of serve.
func serveGroups() []kong.Group {
	return []kong.Group{
		{Key: "listen", Title: "Where to listen"},
		{Key: "aggregate", Title: "What StatsD clients send"},
		{Key: "store", Title: "What is kept"},
		{Key: "access", Title: "Who may do what"},
		{Key: "limits", Title: "Limits"},
		{Key: "process", Title: "Configuration and messages"},
	}
}

// printHelp prints the help of the selected command; without one that of the
// default command, followed by the list of commands.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	p := &printer{w: ctx.Stdout}
	options.NoAppSummary = true
	node := ctx.Selected()
	top := node == nil
	if top {
		node = ctx.Model.DefaultCmd
		ctx.Path = append(ctx.Path, &kong.Path{Parent: ctx.Model.Node, Command: node, Flags: node.Flags})
		fmt.Fprint(p, "usage: logmetrics [run] [flags] PARSER LOG...\n       logmetrics COMMAND\n")
	} else {
		fmt.Fprintf(p, "usage: logmetrics %s\n", node.Summary())
	}
	if p.err != nil {
		return p.err
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	if top {
		printCommands(p, ctx.Model.Node)
	}
	fmt.Fprintf(p, "\n%s", exitTable)
	switch {
	case node == ctx.Model.DefaultCmd:
		fmt.Fprintf(p, "\n%s\n%s", settingsNote, examples)
	case node.Name == "serve":
		fmt.Fprintf(p, "\n%s\n%s", serveNote, serveExamples)
	}
	return p.err
}

func printCommands(w io.Writer, root *kong.Node) {
	fmt.Fprint(w, "\nCommands (logmetrics COMMAND --help tells more):\n")
	for _, cmd := range root.Children {
		text := cmd.Help
		if len(cmd.Children) > 0 {
			var sub []string
			for _, child := range cmd.Children {
				sub = append(sub, child.Name)
			}
			text = strings.TrimSuffix(text, ".") + ": " + strings.Join(sub, ", ") + "."
		}
		fmt.Fprintf(w, "  %-10s %s\n", cmd.Name, wrap(text, 80-13, "\n             "))
	}
}

// wrap puts sep in the place of the blanks at which a text of words gets too wide.
func wrap(text string, width int, sep string) string {
	var b strings.Builder
	used := 0
	for _, word := range strings.Fields(text) {
		switch {
		case b.Len() == 0:
		case used+1+len(word) > width:
			b.WriteString(sep)
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += len(word)
	}
	return b.String()
}
