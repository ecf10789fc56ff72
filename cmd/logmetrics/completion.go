package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints a script that completes our commands, flags, values,
// parsers and files. The scripts are made from the same model that reads the
// command line, so that they cannot disagree with it.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"${enum}. To use it, for example: source <(logmetrics completion bash)"`
}

// Run prints the script.
func (k *completionCmd) Run(c *console) error {
	app, err := c.newApp(newCLI(), nil)
	if err != nil {
		return err
	}
	p := &printer{w: c.stdout}
	switch k.Shell {
	case "bash":
		writeBash(p, app.Model.Node)
	case "zsh":
		fmt.Fprint(p, "#compdef logmetrics\nautoload -Uz compinit bashcompinit\n(( $+functions[compdef] )) || compinit\nbashcompinit\n\n")
		writeBash(p, app.Model.Node)
	case "fish":
		writeFish(p, app.Model.Node)
	}
	return p.err
}

// flagValues returns the words that a flag's value is one of, nil when it is free.
func flagValues(f *kong.Flag) []string {
	switch {
	case f.Name == "output":
		return outputNames()
	case f.Enum != "":
		return f.EnumSlice()
	}
	return nil
}

// isPath reports whether a flag's value is a file or directory.
func isPath(f *kong.Flag) bool {
	return f.Tag.Type == "path" || f.Name == "logtail" || f.Name == "log-conf"
}

// leaves returns the commands that do something, each with its words.
func leaves(root *kong.Node) map[string]*kong.Node {
	all := make(map[string]*kong.Node)
	for _, n := range root.Leaves(true) {
		all[n.Path()] = n
	}
	return all
}

// flagsOf returns the flags that may follow the command.
func flagsOf(n *kong.Node) (list []*kong.Flag) {
	for _, level := range n.AllFlags(true) {
		list = append(list, level...)
	}
	return list
}

// firstWords returns what may follow a command as its first word.
func firstWords(n *kong.Node) []string {
	for _, arg := range n.Positional[:min(1, len(n.Positional))] {
		if arg.Name == "parser" {
			return parserNames()
		}
		if arg.Enum != "" {
			return arg.EnumSlice()
		}
	}
	return nil
}

func writeBash(w io.Writer, root *kong.Node) {
	fmt.Fprint(w, bashHead)
	all := leaves(root)
	paths := slices.Sorted(maps.Keys(all))
	fmt.Fprint(w, "  case \"$cmd\" in\n")
	for _, path := range paths {
		var names []string
		for _, f := range flagsOf(all[path]) {
			names = append(names, "--"+f.Name)
		}
		fmt.Fprintf(w, "    '%s') flags='%s'; first='%s' ;;\n", path, strings.Join(names, " "), strings.Join(firstWords(all[path]), " "))
	}
	var nested []string
	for _, n := range root.Children {
		if len(n.Children) > 0 {
			nested = append(nested, n.Name)
			fmt.Fprintf(w, "    '%s') flags='--help'; first='%s' ;;\n", n.Name, strings.Join(childNames(n), " "))
		}
	}
	fmt.Fprint(w, "  esac\n  case \"$prev\" in\n")
	var valued []string
	for _, f := range allFlags(root) {
		if !f.IsBool() {
			valued = append(valued, writeBashFlag(w, f)...)
		}
	}
	fmt.Fprintf(w, bashTail, strings.Join(childNames(root), " "), strings.Join(nested, " "), strings.Join(valued, " "))
}

// writeBashFlag writes how a flag's value is completed and returns the flag's names.
func writeBashFlag(w io.Writer, f *kong.Flag) []string {
	names := []string{"--" + f.Name}
	if f.Short != 0 {
		names = append(names, "-"+string(f.Short))
	}
	complete := ""
	if values := flagValues(f); values != nil {
		complete = fmt.Sprintf("COMPREPLY=($(compgen -W '%s' -- \"$cur\")); ", strings.Join(values, " "))
	} else if isPath(f) {
		complete = "COMPREPLY=($(compgen -f -- \"$cur\")); "
	}
	fmt.Fprintf(w, "    %s) %sreturn ;;\n", strings.Join(names, "|"), complete)
	return names
}

const bashHead = `# Completion of logmetrics.
_logmetrics() {
  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" cmd=run words=0 flags= first= i w
  # "--flag=value" comes as three words.
  if [ "$cur" = "=" ]; then cur=; elif [ "$prev" = "=" ]; then prev="${COMP_WORDS[COMP_CWORD-2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    w="${COMP_WORDS[i]}"
    case "$w" in
      -*|=) continue ;;
    esac
    # What follows "=" or a flag that takes a value is that value.
    [[ " $valued_logmetrics " == *" ${COMP_WORDS[i-1]} "* ]] && continue
    if [ $words = 0 ] && [[ " $commands_logmetrics " == *" $w "* ]]; then cmd="$w"; words=1
    elif [ $words = 1 ] && [[ " $nested_logmetrics " == *" $cmd "* ]]; then cmd="$cmd $w"
    elif [ $words = 0 ]; then words=2
    else words=$((words + 1)); fi
  done
`

const bashTail = `  esac
  case "$cur" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")); return ;;
  esac
  if [ $words = 0 ]; then
    COMPREPLY=($(compgen -W "$commands_logmetrics $first" -- "$cur"))
  elif [ $words = 1 ]; then
    COMPREPLY=($(compgen -W "$first" -- "$cur"))
  fi
  if [ $words -gt 1 ] || [ ${#COMPREPLY[@]} = 0 ]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
commands_logmetrics='%s'
nested_logmetrics='%s'
valued_logmetrics='= %s'
complete -o filenames -F _logmetrics logmetrics
`

func childNames(n *kong.Node) (names []string) {
	for _, child := range n.Children {
		names = append(names, child.Name)
	}
	return names
}

// allFlags returns the flags of all commands, each name once.
func allFlags(root *kong.Node) (list []*kong.Flag) {
	seen := make(map[string]bool)
	all := leaves(root)
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(path string) bool { return path == "run" })
	for _, path := range append([]string{"run"}, others...) { // run first: of two flags of a name its own is described
		for _, f := range flagsOf(all[path]) {
			if !seen[f.Name] {
				seen[f.Name] = true
				list = append(list, f)
			}
		}
	}
	return list
}

func writeFish(w io.Writer, root *kong.Node) {
	fmt.Fprintf(w, "# Completion of logmetrics.\nset -l commands %s\n", strings.Join(childNames(root), " "))
	for _, n := range root.Children {
		fmt.Fprintf(w, "complete -c logmetrics -n __fish_use_subcommand -a %s -d %s\n", n.Name, fishQuote(n.Help))
		if len(n.Children) > 0 {
			fmt.Fprintf(w, "complete -c logmetrics -f -n '__fish_seen_subcommand_from %s' -a '%s'\n", n.Name, strings.Join(childNames(n), " "))
		}
	}
	fmt.Fprintf(w, "complete -c logmetrics -n __fish_use_subcommand -a '%s'\n", strings.Join(parserNames(), " "))
	all := leaves(root)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		when := "'__fish_seen_subcommand_from " + strings.Join(strings.Fields(path), "; and __fish_seen_subcommand_from ") + "'"
		if all[path] == root.DefaultCmd {
			when = "'not __fish_seen_subcommand_from " + strings.Join(others(root), " ") + "'"
		}
		if words := firstWords(all[path]); words != nil {
			fmt.Fprintf(w, "complete -c logmetrics -n %s -a '%s'\n", when, strings.Join(words, " "))
		}
		for _, f := range flagsOf(all[path]) {
			fmt.Fprintf(w, "complete -c logmetrics -n %s %s\n", when, fishFlag(f))
		}
	}
}

// others returns the commands that are not the default one.
func others(root *kong.Node) []string {
	return slices.DeleteFunc(childNames(root), func(name string) bool { return name == root.DefaultCmd.Name })
}

func fishFlag(f *kong.Flag) string {
	text := "-l " + f.Name
	if f.Short != 0 {
		text += " -s " + string(f.Short)
	}
	switch values := flagValues(f); {
	case values != nil:
		text += " -x -a '" + strings.Join(values, " ") + "'"
	case isPath(f):
		text += " -r"
	case !f.IsBool():
		text += " -x"
	}
	return text + " -d " + fishQuote(f.Help)
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
