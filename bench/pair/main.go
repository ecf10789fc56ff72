// Command pair times whole commands in turn and prints for each the median
// wall time, CPU time and peak memory, and its ratio to the first one.
//
//	pair [-n 7] [-mb SIZE] [-lines N] [-expect NAME=VALUE,...] 'NAME: COMMAND ARG...' ...
//
// Commands run without a shell, one round after the other, so that a noisy
// minute hits all of them. {run} in an argument becomes the round's number.
// With -expect the first command's output must hold these values: lines of
// "TIME NAME VALUE" whose name ends in NAME. What takes over five seconds runs
// three times only. Use it through bench/bench.sh.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type command struct {
	name string
	args []string
	runs []measure
	out  []byte // of the first run
}

type measure struct {
	wall, cpu time.Duration
	rssMB     float64
}

func main() {
	n := flag.Int("n", 7, "rounds")
	mb := flag.Float64("mb", 0, "size of the log in MiB, for MB/s")
	lines := flag.Float64("lines", 0, "lines of the log, for lines/s")
	expect := flag.String("expect", "", "NAME=VALUE,... that the first command must print")
	flag.Parse()
	if err := run(flag.Args(), *n, *mb, *lines, *expect); err != nil {
		fmt.Fprintln(os.Stderr, "pair:", err)
		os.Exit(1)
	}
}

func run(specs []string, rounds int, mb, lines float64, expect string) error {
	var list []*command
	for _, s := range specs {
		name, rest, ok := strings.Cut(s, ":")
		if !ok {
			return fmt.Errorf("%q is not NAME: COMMAND", s)
		}
		list = append(list, &command{name: name, args: strings.Fields(rest)})
	}
	for round := range rounds {
		for _, c := range list {
			if round >= 3 && c.runs[0].wall > 5*time.Second {
				continue
			}
			if err := c.measure(round); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	report(list, mb, lines)
	return check(list[0].out, expect)
}

func (c *command) measure(round int) error {
	args := slices.Clone(c.args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{run}", strconv.Itoa(round))
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = io.Writer(&out), &errs
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil && errs.Len() > 0 {
		return fmt.Errorf("%w: %s", err, errs.String())
	}
	if err != nil {
		return err
	}
	m := measure{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.rssMB = float64(u.Maxrss) / 1024
	}
	c.runs = append(c.runs, m)
	if round == 0 {
		c.out = out.Bytes()
	}
	return nil
}

func report(list []*command, mb, lines float64) {
	fmt.Printf("%-28s %9s %9s %9s %8s %9s %8s\n", "command", "wall s", "cpu s", "RSS MiB", "MiB/s", "Mlines/s", "ratio")
	first := list[0].median(func(m measure) float64 { return m.wall.Seconds() })
	for _, c := range list {
		wall := c.median(func(m measure) float64 { return m.wall.Seconds() })
		cpu := c.median(func(m measure) float64 { return m.cpu.Seconds() })
		rss := c.median(func(m measure) float64 { return m.rssMB })
		fmt.Printf("%-28s %9.4f %9.4f %9.1f %8.0f %9.2f %8.2f\n", c.name, wall, cpu, rss, mb/wall, lines/wall/1e6, wall/first)
	}
}

func (c *command) median(of func(measure) float64) float64 {
	values := make([]float64, len(c.runs))
	for i, m := range c.runs {
		values[i] = of(m)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func check(out []byte, expect string) error {
	if expect == "" {
		return nil
	}
	for _, e := range strings.Split(expect, ",") {
		name, want, _ := strings.Cut(e, "=")
		if got := value(out, name); got != want {
			return fmt.Errorf("%s is %q, the log has %s", name, got, want)
		}
	}
	fmt.Println("counts exact:", expect)
	return nil
}

func value(out []byte, name string) string {
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) == 3 && (f[1] == name || strings.HasSuffix(f[1], "_"+name)) {
			return f[2]
		}
	}
	return ""
}
