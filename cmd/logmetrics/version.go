package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCmd prints what this binary is.
type versionCmd struct{}

// Run prints one line.
func (*versionCmd) Run(c *console) error {
	version, revision := "(devel)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			version = info.Main.Version
		}
		revision = buildRevision(info.Settings)
	}
	_, err := fmt.Fprintf(c.stdout, "logmetrics %s%s %s %s/%s\n", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// buildRevision returns " REVISION TIME", or nothing when it is not known.
func buildRevision(settings []debug.BuildSetting) string {
	var revision, when, modified string
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			revision = " " + s.Value[:min(12, len(s.Value))]
		case "vcs.time":
			when = " " + s.Value
		case "vcs.modified":
			if s.Value == "true" {
				modified = "+modified"
			}
		}
	}
	return revision + modified + when
}
