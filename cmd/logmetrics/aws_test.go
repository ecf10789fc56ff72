package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/outputs"
)

const awsCredentialsFile = `# keys
[default]
aws_access_key_id = AKIDDEFAULT
aws_secret_access_key=se/cr+et==   # a comment
[ other ]
AWS_ACCESS_KEY_ID = AKIDOTHER
aws_secret_access_key = other#notacomment
aws_session_token = token
;aws_session_token = none
[half]
aws_access_key_id = AKIDHALF
`

const awsConfigFile = `[default]
region = eu-central-1
[profile other]
region = us-east-1
s3 =
  max_concurrent_requests = 20
[profile config]
region=ap-northeast-1
aws_access_key_id = AKIDCONFIG
aws_secret_access_key = config
`

// awsHome makes an environment in which only the files have keys.
func awsHome(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "REGION", "DEFAULT_REGION", "SHARED_CREDENTIALS_FILE", "CONFIG_FILE"} {
		t.Setenv("AWS_"+name, "")
	}
	t.Setenv("HOME", dir)
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".aws"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".aws", "credentials"), []byte(awsCredentialsFile), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".aws", "config"), []byte(awsConfigFile), 0o600))
	return dir
}

func TestAWSCredentials(t *testing.T) {
	awsHome(t)
	fromDefault := outputs.AWSCredentials{AccessKeyID: "AKIDDEFAULT", SecretAccessKey: "se/cr+et=="}
	fromOther := outputs.AWSCredentials{AccessKeyID: "AKIDOTHER", SecretAccessKey: "other#notacomment", SessionToken: "token"}
	fromEnvironment := outputs.AWSCredentials{AccessKeyID: "AKIDENV", SecretAccessKey: "env"}
	check := func(profile string, want outputs.AWSCredentials, region string) {
		t.Helper()
		got, err := awsFiles{profile}.credentials()
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.Equal(t, region, awsFiles{profile}.region())
	}
	check("", fromDefault, "eu-central-1")
	check("other", fromOther, "us-east-1")
	check("config", outputs.AWSCredentials{AccessKeyID: "AKIDCONFIG", SecretAccessKey: "config"}, "ap-northeast-1")
	t.Setenv("AWS_PROFILE", "other")
	check("", fromOther, "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
	check("", fromOther, "us-east-1")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "env")
	check("", fromEnvironment, "us-east-1")
	check("default", fromDefault, "eu-central-1")
}

func TestAWSCredentialsMissing(t *testing.T) {
	dir := awsHome(t)
	for _, profile := range []string{"none", "half", "profile config"} {
		_, err := awsFiles{profile}.credentials()
		require.ErrorContains(t, err, "nor keys of the profile "+profile)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "none"))
	_, err := awsFiles{}.credentials()
	require.ErrorContains(t, err, "neither AWS_ACCESS_KEY_ID")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", dir)
	_, err = awsFiles{}.credentials()
	require.ErrorContains(t, err, "read profile")
}

func TestAWSCredentialsMustNotBePublic(t *testing.T) {
	dir := awsHome(t)
	require.NoError(t, os.Chmod(filepath.Join(dir, ".aws", "credentials"), 0o644))
	_, err := awsFiles{}.credentials()
	require.ErrorContains(t, err, "everybody may read or change it; chmod o= ")
}
