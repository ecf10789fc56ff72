package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// settings are values of flags by the flags' names, as a configuration file
// has them: at its top, or in one of its jobs, over those at its top. They
// stand for flags that neither the command line nor the environment sets.
type settings struct {
	values map[string]any            // string, or []any of strings
	places map[string]token.Position // where they stand
	listed bool                      // one of a list of jobs
}

var errOneValue = errors.New("one value is expected, not a list")

// Validate implements kong.Resolver.
func (s *settings) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver.
func (s *settings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Tag.Envs {
		if _, ok := os.LookupEnv(env); ok {
			return nil, nil
		}
	}
	if _, several := s.values[flag.Name].([]any); several && !flag.IsSlice() {
		return nil, errOneValue
	}
	return s.values[flag.Name], nil
}

// located adds to an error of kong's, which begins with the flag, where in the
// file the flag's value stands.
func (s *settings) located(err error) error {
	name, ok := strings.CutPrefix(err.Error(), "--")
	if end := strings.IndexAny(name, " :="); ok && end > 0 {
		if p, ok := s.places[name[:end]]; ok {
			return fmt.Errorf("line %d, column %d: %w", p.Line, p.Column, err)
		}
	}
	return err
}

// list returns a value that may be one or several.
func (s *settings) list(key string) (list []string) {
	switch v := s.values[key].(type) {
	case string:
		list = []string{v}
	case []any:
		for _, item := range v {
			list = append(list, item.(string))
		}
	}
	return list
}

// readJobs returns the jobs of --config, each with the flags of the command
// line, the environment, the job and the file's top, in this order.
func (r *runCmd) readJobs(c *console) ([]*runCmd, error) {
	data, err := os.ReadFile(r.Config)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	all, err := parseSettings(data, flagNames(c))
	if err != nil {
		return nil, &usageError{fmt.Sprintf("%s: %v", r.Config, err)}
	}
	if all, err = r.pick(all); err != nil {
		return nil, &usageError{fmt.Sprintf("%s: %v", r.Config, err)}
	}
	var jobs []*runCmd
	for _, given := range all {
		job, err := r.withSettings(c, given)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("%s: %v", r.Config, err)}
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// pick returns those of a list of jobs that --job asks for: one, or all.
func (r *runCmd) pick(all []*settings) ([]*settings, error) {
	if !all[0].listed {
		return all, nil
	}
	var names []string
	for i, given := range all {
		name, _ := given.values["job"].(string)
		if name != "" && slices.Contains(names, name) {
			return nil, fmt.Errorf("two jobs are called %q", name)
		}
		if name != "" && name == r.Job {
			return all[i : i+1], nil
		}
		names = append(names, name)
	}
	if r.Job != "" {
		return nil, fmt.Errorf("no job is called %q%s", r.Job, didYouMean(r.Job, names))
	}
	return all, nil
}

// withSettings reads the command line once more, over given.
func (r *runCmd) withSettings(c *console, given *settings) (*runCmd, error) {
	job, _, _, err := c.parse(c.args, given)
	if err != nil {
		return nil, given.located(err)
	}
	parser := given.list("parser")
	if len(parser) > 1 {
		return nil, given.located(fmt.Errorf("--parser: %w", errOneValue))
	}
	if job.Parser == "" && len(parser) == 1 {
		job.Parser = parser[0]
	}
	if len(job.Logs) == 0 {
		job.Logs = given.list("logs")
	}
	return job, nil
}

// notInFile are flags that only the command line has a use for.
var notInFile = []string{"help", "config", "parser-help"}

// ofProcess are flags that all jobs of a process share.
var ofProcess = []string{"follow", "telemetry"}

// flagNames returns the keys that a configuration file may have.
func flagNames(c *console) []string {
	app, err := c.newApp(newCLI(), nil)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	names := []string{"parser", "logs"}
	for _, f := range app.Model.DefaultCmd.Flags {
		if !slices.Contains(notInFile, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// parseSettings reads a configuration file: the settings of each of its jobs,
// over those at its top; of its top alone when it has no list of jobs. Errors
// tell line and column.
func parseSettings(data []byte, keys []string) ([]*settings, error) {
	body, err := parseDocument(data, "KEY: VALUE lines are expected, as parser, logs and output")
	if err != nil {
		return nil, err
	}
	var jobs *ast.SequenceNode
	top, err := readMapping(body, keys, func(key string, it *ast.MapNodeIter) (bool, error) {
		if key != "jobs" {
			return false, nil
		}
		var ok bool
		if jobs, ok = it.Value().(*ast.SequenceNode); !ok {
			return false, at(it.Value(), "jobs is a list; each job begins with '- '")
		}
		return true, nil
	}, "jobs")
	if err != nil {
		return nil, err
	}
	if jobs == nil {
		return []*settings{top}, nil
	}
	var all []*settings
	for _, node := range jobs.Values {
		own, err := readMapping(node, keys, notInJob, "jobs")
		if err != nil {
			return nil, err
		}
		merged := &settings{values: maps.Clone(top.values), places: maps.Clone(top.places), listed: true}
		maps.Copy(merged.values, own.values)
		maps.Copy(merged.places, own.places)
		all = append(all, merged)
	}
	if len(all) == 0 {
		return nil, at(jobs, "the list of jobs is empty")
	}
	return all, nil
}

// parseDocument returns what the one document of a file holds. An empty file
// lacks what expected says.
func parseDocument(data []byte, expected string) (ast.Node, error) {
	file, err := parser.ParseBytes(data, 0)
	switch {
	case err != nil:
		return nil, inOneLine(err)
	case len(file.Docs) == 0 || file.Docs[0].Body == nil:
		return nil, errors.New("it is empty: " + expected)
	case len(file.Docs) > 1:
		return nil, errors.New("it has more than one YAML document; a list called jobs holds several jobs")
	}
	return file.Docs[0].Body, nil
}

// notInJob refuses keys that are of the whole process.
func notInJob(key string, it *ast.MapNodeIter) (bool, error) {
	if slices.Contains(ofProcess, key) {
		return false, at(it.Key(), "%s stands at the top, not in a job", key)
	}
	return false, nil
}

// readMapping reads the keys and values of one mapping. special is asked first:
// it reports whether it has taken the key, one of more, with its value.
func readMapping(node ast.Node, keys []string, special func(key string, it *ast.MapNodeIter) (bool, error), more ...string) (*settings, error) {
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return nil, at(node, "lines of the form KEY: VALUE are expected")
	}
	s := &settings{values: make(map[string]any), places: make(map[string]token.Position)}
	for it := mapping.MapRange(); it.Next(); {
		key := it.Key().GetToken().Value
		taken, err := special(key, it)
		if err != nil {
			return nil, err
		}
		if taken {
			continue
		}
		if !slices.Contains(keys, key) {
			return nil, at(it.Key(), "unknown key %q%s", key, didYouMean(key, slices.Concat(keys, more)))
		}
		if s.values[key], err = readValue(it.Value()); err != nil {
			return nil, err
		}
		s.places[key] = *it.Key().GetToken().Position
	}
	return s, nil
}

// readValue returns a scalar as its text, a list as its scalars' texts.
func readValue(node ast.Node) (any, error) {
	seq, ok := node.(*ast.SequenceNode)
	if !ok {
		return readScalar(node)
	}
	list := make([]any, len(seq.Values))
	for i, item := range seq.Values {
		text, err := readScalar(item)
		if err != nil {
			return nil, err
		}
		list[i] = text
	}
	return list, nil
}

func readScalar(node ast.Node) (string, error) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return strings.TrimSuffix(n.Value.Value, "\n"), nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, nil
	}
	return "", at(node, "a text, a number, true or false is expected")
}

// inOneLine makes an error of the YAML parser, which draws a picture of the
// place, one like ours.
func inOneLine(err error) error {
	var syntax interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if !errors.As(err, &syntax) || syntax.GetToken() == nil {
		return err
	}
	p := syntax.GetToken().Position
	return fmt.Errorf("line %d, column %d: %s", p.Line, p.Column, syntax.GetMessage())
}

// at returns an error with the node's place in the file.
func at(node ast.Node, format string, args ...any) error {
	p := node.GetToken().Position
	return fmt.Errorf("line %d, column %d: %s", p.Line, p.Column, fmt.Sprintf(format, args...))
}
