package parsers

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// UsageError says what is wrong with a parser's own options. With Help it
// says nothing is wrong: the options asked for their description.
type UsageError struct {
	Parser string
	Reason string
	Help   bool
	Usage  string // the options, one or two lines each
}

// Error returns the reason and how to learn about the options.
func (e *UsageError) Error() string {
	return fmt.Sprintf("%s: %s (its options: logmetrics parsers %s)", e.Parser, e.Reason, e.Parser)
}

// newFlags returns an empty set of options for a parser; each is given to it
// as --name or --name=value.
func newFlags(parser string) *flag.FlagSet {
	fs := flag.NewFlagSet(parser, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// parseFlags sets fs from args, none of which may be left over.
func parseFlags(fs *flag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if err == nil && fs.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err != nil {
		return &UsageError{Parser: fs.Name(), Reason: err.Error(), Help: errors.Is(err, flag.ErrHelp), Usage: usage(fs)}
	}
	return nil
}

func usage(fs *flag.FlagSet) string {
	var b strings.Builder
	fs.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		if value != "" {
			value = "=" + strings.ToUpper(value)
		}
		fmt.Fprintf(&b, "  --%s%s\n      %s", f.Name, value, text)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			fmt.Fprintf(&b, " (default %s)", f.DefValue)
		}
		b.WriteByte('\n')
	})
	return b.String()
}
