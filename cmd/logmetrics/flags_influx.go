package main

import (
	"cmp"

	"github.com/logmetrics/logmetrics/outputs"
)

type influxFlags struct {
	InfluxHost         []string `group:"influx" placeholder:"URL" help:"Default http://127.0.0.1:8086; https:// and udp://HOST:8089 are taken, too; may be repeated."`
	InfluxProtocol     string   `group:"influx" placeholder:"NAME" help:"http (default), https or udp."`
	InfluxDatabase     string   `group:"influx" placeholder:"NAME" help:"InfluxDB 1: the database, or DATABASE/POLICY."`
	InfluxUser         string   `group:"influx" placeholder:"NAME" help:"InfluxDB 1: the user."`
	InfluxPasswordFile string   `group:"influx" type:"path" placeholder:"FILE" help:"InfluxDB 1: a file with the user's password."`
	InfluxOrg          string   `group:"influx" placeholder:"NAME" help:"InfluxDB 2: the organization."`
	InfluxBucket       string   `group:"influx" placeholder:"NAME" help:"InfluxDB 2: the bucket."`
	InfluxTokenFile    string   `group:"influx" type:"path" placeholder:"FILE" help:"InfluxDB 2: a file with the token."`
	InfluxMetricName   string   `group:"influx" placeholder:"NAME" help:"Sends as CVMFS does: NAME_absolute with everything as fields, and NAME_delta."`
	InfluxExtraTags    string   `group:"influx" placeholder:"TAGS" help:"Tags of each line, as a=1,b=2."`
	InfluxExtraFields  string   `group:"influx" placeholder:"FIELDS" help:"Fields of NAME_absolute, as a=1,b=2."`
}

func (f *influxFlags) options() []outputs.Options {
	usual := "127.0.0.1:8086"
	if f.InfluxProtocol == "udp" {
		usual = "127.0.0.1:8089"
	}
	return hosts(f.InfluxHost, cmp.Or(f.InfluxProtocol, "http"), usual, outputs.Options{Influx: outputs.InfluxOptions{
		Database: f.InfluxDatabase, User: f.InfluxUser, PasswordFile: f.InfluxPasswordFile,
		Org: f.InfluxOrg, Bucket: f.InfluxBucket, TokenFile: f.InfluxTokenFile,
		MetricName: f.InfluxMetricName, ExtraTags: f.InfluxExtraTags, ExtraFields: f.InfluxExtraFields,
	}})
}
