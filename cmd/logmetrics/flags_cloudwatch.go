package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// cloudwatchFlags are those of Amazon CloudWatch. Secrets have none.
type cloudwatchFlags struct {
	CloudwatchNamespace  string     `group:"cloudwatch" default:"logmetrics" help:"Namespace of the metrics."`
	CloudwatchRegion     string     `group:"cloudwatch" placeholder:"NAME" help:"As eu-central-1; default $$AWS_REGION, then the profile's."`
	CloudwatchDimensions dimensions `group:"cloudwatch" placeholder:"KEY=VALUE,..." help:"Dimensions of every metric, besides its tags."`
	CloudwatchProfile    string     `group:"cloudwatch" placeholder:"NAME" help:"Profile in ~/.aws/credentials; default $$AWS_ACCESS_KEY_ID and $$AWS_SECRET_ACCESS_KEY, then $$AWS_PROFILE, then default."`
	CloudwatchEndpoint   string     `group:"cloudwatch" placeholder:"URL" help:"Default https://monitoring.REGION.amazonaws.com."`

	AwsKey       refusedSecret `group:"cloudwatch" hidden:""`
	AwsSecretKey refusedSecret `group:"cloudwatch" hidden:""`
}

func (f *cloudwatchFlags) options() []outputs.Options {
	aws := awsFiles{profile: f.CloudwatchProfile}
	opt := outputs.Options{CloudWatch: outputs.CloudWatchOptions{
		Namespace: f.CloudwatchNamespace, Dimensions: f.CloudwatchDimensions.Tags,
		Region:      cmp.Or(f.CloudwatchRegion, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), aws.region()),
		Credentials: aws.credentials,
	}}
	if f.CloudwatchEndpoint == "" {
		return []outputs.Options{opt}
	}
	return hosts([]string{f.CloudwatchEndpoint}, "https", "", opt)
}

// dimensions are read from KEY=VALUE,KEY=VALUE. Tags are exported for json, of
// which a follower makes its key.
type dimensions struct{ Tags metric.Tags }

// UnmarshalText reads the list.
func (d *dimensions) UnmarshalText(text []byte) error {
	for pair := range strings.SplitSeq(string(text), ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || key == "" || value == "" {
			return fmt.Errorf("%q: KEY=VALUE is expected, several with commas", pair)
		}
		d.Tags = append(d.Tags, metric.Tag{Key: key, Value: value})
	}
	return nil
}

// refusedSecret is a flag of Logster's that would show a secret to everybody
// who can list processes.
type refusedSecret struct{}

// UnmarshalText refuses.
func (*refusedSecret) UnmarshalText([]byte) error {
	return errors.New("keys are not taken from the command line, where every user of this machine can read them: " +
		"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or name a profile of ~/.aws/credentials with --cloudwatch-profile")
}
