package main

import (
	"context"
	"errors"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// cli is the whole command line; each command's fields are its flags.
type cli struct {
	Run        runCmd        `cmd:"" default:"withargs" help:"Extract what is new in the logs, and deliver it (the default)."`
	Daemon     daemonCmd     `cmd:"" help:"Follow the logs of many jobs in one process."`
	Serve      serveCmd      `cmd:"" help:"Take, sum up and keep what StatsD and others send."`
	Check      checkCmd      `cmd:"" help:"Show what would be extracted, and which lines are not understood."`
	Parsers    parsersCmd    `cmd:"" help:"List the parsers, or describe one."`
	Db         dbCmd         `cmd:"" help:"Look after what logmetrics serve keeps."`
	State      stateCmd      `cmd:"" help:"Show and mend what is remembered of jobs."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
	Completion completionCmd `cmd:"" help:"Print a completion script for a shell."`
}

// helped is what kong's exit after --help is turned into, so that no library
// ends the process.
type helped struct{}

// runAlone is the command line of a run that names no command, as cron's do: to
// describe what the other commands have, too, takes its time.
type runAlone struct {
	Run runCmd `cmd:"" default:"withargs"`
}

// parse reads args and returns the flags of run, which only mean something when
// that is the command. given holds values for flags that neither args nor the
// environment set; nil: none. done means that help was printed.
func (c *console) parse(args []string, given *settings) (run *runCmd, kctx *kong.Context, done bool, err error) {
	if asks := mayAsk(args, given); asks != nil {
		root := new(runAlone)
		root.Run.describe(asks)
		kctx, done, err = c.parseInto(root, args, nil)
		if err == nil {
			return &root.Run, kctx, done, nil
		}
	}
	root := newCLI() // which also knows what else may have been meant
	kctx, done, err = c.parseInto(root, args, given)
	return &root.Run, kctx, done, err
}

// newCLI returns an empty cli with the flags of all outputs.
func newCLI() *cli {
	root := new(cli)
	root.Run.describe(func(...string) bool { return true })
	return root
}

// mayAsk returns what tells whether the command line may ask for an output or
// its flags; nil: it names a command, or more is to be known than it says, for a
// configuration file, the environment or help.
func mayAsk(args []string, given *settings) func(markers ...string) bool {
	fromElsewhere := func(setting string) bool { return strings.HasPrefix(setting, "LOGMETRICS_") }
	if given != nil || len(args) == 0 || isCommand(args[0]) || slices.ContainsFunc(os.Environ(), fromElsewhere) || slices.Contains(args, "-h") {
		return nil
	}
	line := strings.ToLower(strings.Join(args, " "))
	if strings.Contains(line, "--help") {
		return nil
	}
	return func(markers ...string) bool {
		return slices.ContainsFunc(markers, func(m string) bool { return strings.Contains(line, m) })
	}
}

// isCommand reports whether word is the name of a command.
func isCommand(word string) bool {
	for f := range reflect.TypeFor[cli]().Fields() {
		if strings.EqualFold(f.Name, word) {
			return true
		}
	}
	return false
}

// parseInto reads args into root, a pointer to a struct that has run.
func (c *console) parseInto(root any, args []string, given *settings) (kctx *kong.Context, done bool, err error) {
	app, err := c.newApp(root, given)
	if err != nil {
		return nil, false, err
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case helped:
			done = true
		default:
			panic(r)
		}
	}()
	kctx, err = app.Parse(args)
	return kctx, false, err
}

func (c *console) newApp(root any, given *settings) (*kong.Kong, error) {
	options := []kong.Option{
		kong.Name("logmetrics"),
		kong.Writers(c.stdout, c.stderr),
		kong.Exit(func(int) { panic(helped{}) }),
		kong.WithHyphenPrefixedParameters(true),
		kong.KindMapper(reflect.String, kong.MapperFunc(mapText)),
		kong.NamedMapper("path", kong.MapperFunc(mapPath)),
		kong.NamedMapper("pattern", patternMapper{}),
		kong.Help(printHelp),
		kong.ValueFormatter(func(v *kong.Value) string { return v.Help }), // settingsNote tells of the environment once
		kong.Vars{"outputs": strings.Join(outputNames(), ", ")},
	}
	if _, ok := root.(*runAlone); !ok { // which is for neither the environment nor help
		options = append(options, kong.DefaultEnvars("LOGMETRICS"), kong.ExplicitGroups(slices.Concat(groups(), serveGroups())))
	}
	if given != nil {
		options = append(options, kong.Resolvers(given))
	}
	return kong.New(root, options...)
}

// mapText takes the next word as a flag's value. That there is one, kong does
// not check by itself when values may begin with '-'.
func mapText(ctx *kong.DecodeContext, target reflect.Value) error {
	if ctx.Scan.Peek().IsEOL() {
		return errors.New("missing value")
	}
	return ctx.Scan.PopValueInto("string", target.Addr().Interface())
}

// mapPath is mapText for a path, which it makes absolute. An empty one says nothing.
func mapPath(ctx *kong.DecodeContext, target reflect.Value) error {
	if err := mapText(ctx, target); err != nil || target.String() == "" {
		return err
	}
	target.SetString(kong.ExpandPath(target.String()))
	return nil
}

func (c *console) dispatch(ctx context.Context, args []string) error {
	_, kctx, done, err := c.parse(args, nil)
	if err != nil || done {
		return err
	}
	kctx.BindTo(ctx, (*context.Context)(nil))
	return kctx.Run(c)
}

// usageError says what is wrong with the command line or configuration.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// isUsage reports whether err is about how the program was called.
func isUsage(err error) bool {
	var own *usageError
	var parse *kong.ParseError
	var config *configError
	return errors.As(err, &own) || errors.As(err, &parse) || errors.As(err, &config) || isParserUsage(err)
}

// printer writes text and remembers the first error, so that a command's
// output reads as its text and a full disk still makes the command fail.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) Write(b []byte) (int, error) {
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
	return len(b), nil
}
