package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/logmetrics/logmetrics/outputs"
)

// awsFiles find keys and region where AWS's own tools do: in the environment,
// then in the shared files. Roles of instances and containers are not asked for.
type awsFiles struct {
	profile string // as a flag named it; empty: the environment goes first
}

// name is that of the profile in the files.
func (a awsFiles) name() string {
	return cmp.Or(a.profile, os.Getenv("AWS_PROFILE"), "default")
}

// credentials reads them anew, for those in the files may be renewed.
func (a awsFiles) credentials() (c outputs.AWSCredentials, err error) {
	c = outputs.AWSCredentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	if a.profile == "" && c.AccessKeyID != "" && c.SecretAccessKey != "" {
		return c, nil
	}
	for _, file := range awsSections(a.name()) {
		values, err := readProfile(file.path, file.section)
		if err != nil {
			return c, err
		}
		c = outputs.AWSCredentials{
			AccessKeyID: values["aws_access_key_id"], SecretAccessKey: values["aws_secret_access_key"], SessionToken: values["aws_session_token"],
		}
		if c.AccessKeyID == "" || c.SecretAccessKey == "" {
			continue
		}
		return c, notForOthers(file.path)
	}
	return c, fmt.Errorf("neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor keys of the profile %s in ~/.aws/credentials are there", a.name())
}

// region returns the profile's, empty when none is told.
func (a awsFiles) region() string {
	for _, file := range awsSections(a.name()) {
		if values, err := readProfile(file.path, file.section); err == nil && values["region"] != "" {
			return values["region"]
		}
	}
	return ""
}

// awsSection is where a profile stands.
type awsSection struct{ path, section string }

func awsSections(profile string) []awsSection {
	home, _ := os.UserHomeDir() // without one the files are named by the environment or not there
	inConfig := "profile " + profile
	if profile == "default" {
		inConfig = profile
	}
	return []awsSection{
		{cmp.Or(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), filepath.Join(home, ".aws", "credentials")), profile},
		{cmp.Or(os.Getenv("AWS_CONFIG_FILE"), filepath.Join(home, ".aws", "config")), inConfig},
	}
}

// readProfile returns the keys of one section of an INI file, in lower case;
// none when there is no such file.
func readProfile(path, section string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	values := make(map[string]string)
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			name, _, _ = strings.Cut(name, "]")
			inside = strings.Join(strings.Fields(name), " ") == section
		}
		key, value, ok := strings.Cut(line, "=")
		if inside && ok && line[0] != '#' && line[0] != ';' {
			values[strings.ToLower(strings.TrimSpace(key))] = withoutComment(value)
		}
	}
	return values, nil
}

// withoutComment cuts what follows a blank and '#' or ';'.
func withoutComment(value string) string {
	for _, mark := range []string{" #", " ;", "\t#", "\t;"} {
		value, _, _ = strings.Cut(value, mark)
	}
	return strings.TrimSpace(value)
}

// notForOthers refuses a file of secrets that everybody may read.
func notForOthers(path string) error {
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	if fi.Mode().Perm()&0o007 != 0 {
		return fmt.Errorf("%s: everybody may read or change it; chmod o= %s", path, path)
	}
	return nil
}
