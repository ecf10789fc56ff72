package main

import (
	"time"

	"github.com/logmetrics/logmetrics/outputs"
)

type execFlags struct {
	Exec        []string      `group:"exec" sep:"none" placeholder:"COMMAND" help:"Program that reads each batch as JSON lines, and its arguments, quoted as in a shell; may be repeated."`
	ExecTimeout time.Duration `group:"exec" default:"20s" help:"How long the program may take for a batch."`
}

func (f *execFlags) options() (list []outputs.Options, err error) {
	for _, command := range f.Exec {
		words, err := splitWords(command)
		if err != nil {
			return nil, &usageError{"--exec: " + err.Error()}
		}
		list = append(list, outputs.Options{Timeout: f.ExecTimeout, Exec: outputs.ExecOptions{Command: words}})
	}
	if len(list) == 0 {
		return nil, &usageError{"--output=exec needs --exec='PROGRAM ARGUMENTS'"}
	}
	return list, nil
}
