package parsers

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/logmetrics/logmetrics/internal/near"
	"github.com/logmetrics/logmetrics/internal/rules"
)

// UsageError says what is wrong with a parser's own options. With Help it
// says nothing is wrong: the options asked for their description.
type UsageError struct {
	Parser string // the name, Logster's where its options differ
	Reason string // names the option and says what is wrong
	Help   bool
	Usage  string // the options, two lines each; empty when there are none
}

// Error returns the parser and the reason.
func (e *UsageError) Error() string { return e.Parser + ": " + e.Reason }

// flags are a parser's own options; each is given to it as --name or
// --name=value, or as two words, and those of one letter with one '-' too.
type flags struct {
	*flag.FlagSet
	others map[string][]string // by an option's name: its other names
}

// newFlags returns an empty set of options for a parser.
func newFlags(parser string) *flags {
	fs := flag.NewFlagSet(parser, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return &flags{fs, make(map[string][]string)}
}

// also gives the option called name other names.
func (fs *flags) also(name string, others ...string) {
	for _, other := range others {
		fs.Var(fs.Lookup(name).Value, other, "")
	}
	fs.others[name] = others
}

// wrong returns the error that says so.
func (fs *flags) wrong(reason error) error {
	return &UsageError{Parser: fs.Name(), Reason: reason.Error(), Usage: usage(fs)}
}

// parseFlags sets fs from args, none of which may be left over.
func parseFlags(fs *flags, args []string) error {
	for len(args) > 0 {
		name := strings.TrimPrefix(strings.TrimPrefix(args[0], "-"), "-")
		if name == args[0] || name == "" {
			return fs.wrong(fmt.Errorf("unexpected argument %q", args[0]))
		}
		name, value, given := strings.Cut(name, "=")
		args = args[1:]
		f := fs.Lookup(name)
		switch {
		case f == nil && (name == "help" || name == "h"):
			return &UsageError{Parser: fs.Name(), Reason: flag.ErrHelp.Error(), Help: true, Usage: usage(fs)}
		case f == nil:
			return fs.wrong(fs.unknown(name))
		case given:
		case isSwitch(f):
			value = "true"
		case len(args) == 0:
			return fs.wrong(fmt.Errorf("%s needs a value", dashed(name)))
		default:
			value, args = args[0], args[1:]
		}
		if err := f.Value.Set(value); err != nil {
			return fs.wrong(refused(f, name+"="+value, err))
		}
	}
	return nil
}

func (fs *flags) unknown(name string) error {
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	switch known := near.Name(name, names); {
	case known != "":
		return fmt.Errorf("there is no option %s; did you mean %s?", dashed(name), dashed(known))
	case names == nil:
		return errors.New("there is no option " + dashed(name) + ", nor any other")
	}
	return errors.New("there is no option " + dashed(name))
}

// refused says which option did not take its value, unless err says so itself.
func refused(f *flag.Flag, given string, err error) error {
	var placed *rules.Error
	switch {
	case errors.As(err, &placed):
		return err
	case isSwitch(f):
		return fmt.Errorf("%s: true or false is expected", dashed(given))
	}
	return fmt.Errorf("%s: %w", dashed(given), err)
}

// isSwitch reports whether f stands without a value.
func isSwitch(f *flag.Flag) bool {
	b, ok := f.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// dashed returns an option, alone or with "=VALUE", as it is written.
func dashed(option string) string {
	if name, _, _ := strings.Cut(option, "="); len(name) == 1 {
		return "-" + option
	}
	return "--" + option
}

// usage describes the options, each once with all its names, the shortest first.
func usage(fs *flags) string {
	var b strings.Builder
	fs.VisitAll(func(f *flag.Flag) {
		if f.Usage == "" {
			return // another name
		}
		var names []string
		for _, name := range append([]string{f.Name}, fs.others[f.Name]...) {
			names = append(names, dashed(name))
		}
		slices.SortStableFunc(names, func(a, b string) int { return len(a) - len(b) })
		value, text := flag.UnquoteUsage(f)
		if value != "" {
			value = "=" + strings.ToUpper(value)
		}
		fmt.Fprintf(&b, "  %s%s\n      %s", strings.Join(names, ", "), value, text)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			fmt.Fprintf(&b, " (default %s)", f.DefValue)
		}
		b.WriteByte('\n')
	})
	return b.String()
}
