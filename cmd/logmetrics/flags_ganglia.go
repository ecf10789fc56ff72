package main

import "github.com/logmetrics/logmetrics/outputs"

// gangliaFlags are those of gmetric.
type gangliaFlags struct {
	GmetricOptions shellWords `group:"ganglia" default:"-d 180 -c /etc/ganglia/gmond.conf" placeholder:"OPTIONS" help:"gmetric's own options in one argument, quoted as in a shell. Default ${default}."`
}

func (f *gangliaFlags) options() []outputs.Options {
	return []outputs.Options{{Ganglia: outputs.GangliaOptions{Args: f.GmetricOptions.List}}}
}

// shellWords are the words of a text that is quoted as in a shell. The list is
// exported for json, of which a follower makes its key.
type shellWords struct{ List []string }

// UnmarshalText splits a text.
func (w *shellWords) UnmarshalText(text []byte) (err error) {
	list, err := splitWords(string(text))
	w.List = append([]string{}, list...) // not nil: no options are not the usual ones
	return err
}
