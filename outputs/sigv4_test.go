package outputs_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/outputs"
)

// signature computes the Signature Version 4 of a request from the published
// steps: the canonical request, the string to sign, the key.
func signature(r *http.Request, body []byte, secret, region, service string, signed []string) string {
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		if name == "content-length" {
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	fmt.Fprintf(&canonical, "\n%s\n%x", strings.Join(signed, ";"), sha256.Sum256(body))
	stamp := r.Header.Get("X-Amz-Date")
	scope := strings.Join([]string{stamp[:8], region, service, "aws4_request"}, "/")
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s\n%x", stamp, scope, sha256.Sum256([]byte(canonical.String())))))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// TestSignature holds the verification itself to the case
// post-x-www-form-urlencoded of AWS's test suite for Signature Version 4.
func TestSignature(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "http://example.amazonaws.com/", strings.NewReader("Param1=value1"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	got := signature(r, []byte("Param1=value1"), awsExample.SecretAccessKey, "us-east-1", "service", []string{"content-type", "host", "x-amz-date"})
	assert.Equal(t, "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a", got)
}

const awsError = `<ErrorResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><Error><Type>Sender</Type><Code>%s</Code><Message>m</Message></Error></ErrorResponse>`

// fakeCloudWatch takes requests that are signed with the example's keys.
// answer, when it is not empty, is the code of an error for those.
func fakeCloudWatch(t *testing.T, took *[]datum, answer string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if !assert.NoError(t, err) {
			return
		}
		if problem := verify(r, body); problem != "" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, awsError, "SignatureDoesNotMatch")
			return
		}
		if answer != "" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, awsError, answer)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, err := unpacked(r)
		if assert.NoError(t, err) {
			*took = append(*took, putMetricData(t, form)...)
		}
		fmt.Fprint(w, `<PutMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><ResponseMetadata/></PutMetricDataResponse>`)
	}))
	t.Cleanup(s.Close)
	return s
}

// verify says what is wrong with a request's signature.
func verify(r *http.Request, body []byte) string {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ", ") {
		key, value, _ := strings.Cut(field, "=")
		fields[key] = value
	}
	stamp, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	signed := strings.Split(fields["SignedHeaders"], ";")
	switch {
	case !ok || err != nil:
		return "not signed"
	case time.Since(stamp).Abs() > 5*time.Minute:
		return "too old"
	case fields["Credential"] != awsExample.AccessKeyID+"/"+stamp.Format("20060102")+"/eu-central-1/monitoring/aws4_request":
		return "credential " + fields["Credential"]
	case !bytes.Contains([]byte(fields["SignedHeaders"]), []byte("host;x-amz-date;x-amz-security-token")):
		return "headers " + fields["SignedHeaders"]
	case r.Header.Get("X-Amz-Security-Token") != awsExample.SessionToken:
		return "token"
	case fields["Signature"] != signature(r, body, awsExample.SecretAccessKey, "eu-central-1", "monitoring", signed):
		return "signature"
	}
	return ""
}

func TestCloudWatchSigns(t *testing.T) {
	var took []datum
	out := func(c outputs.AWSCredentials) outputs.Output {
		own := cloudWatch
		own.Credentials = func() (outputs.AWSCredentials, error) { return c, nil }
		return newVariant(t, variant{"cloudwatch", "", outputs.Options{Address: fakeCloudWatch(t, &took, "").URL, CloudWatch: own}})
	}
	require.NoError(t, out(awsExample).Write(t.Context(), sampleBatch()))
	want, _ := cloudWatchData(t, sampleBatch())
	assert.Equal(t, want, took)
	for _, change := range []func(c *outputs.AWSCredentials){
		func(c *outputs.AWSCredentials) { c.SecretAccessKey += "x" },
		func(c *outputs.AWSCredentials) { c.AccessKeyID = "AKIDOTHER" },
		func(c *outputs.AWSCredentials) { c.SessionToken = "" },
	} {
		took = nil
		other := awsExample
		change(&other)
		err := out(other).Write(t.Context(), sampleBatch())
		require.ErrorContains(t, err, "SignatureDoesNotMatch")
		assert.NotErrorIs(t, err, outputs.ErrPermanent, "keys can be mended")
		assert.NotContains(t, err.Error(), other.SecretAccessKey)
		assert.Empty(t, took)
	}
}

// TestCloudWatchRefusals: only what is wrong with the data lasts.
func TestCloudWatchRefusals(t *testing.T) {
	for code, permanent := range map[string]bool{
		"Throttling": false, "ThrottlingException": false, "RequestExpired": false, "ExpiredToken": false, "IncompleteSignature": false, "Whatever": false,
		"InvalidParameterValue": true, "InvalidParameterCombination": true, "MissingParameter": true, "ValidationError": true,
	} {
		out := newVariant(t, variant{"cloudwatch", "", outputs.Options{Address: fakeCloudWatch(t, nil, code).URL, CloudWatch: cloudWatch}})
		err := out.Write(t.Context(), sampleBatch())
		require.ErrorContains(t, err, "<Code>"+code)
		assert.Equal(t, permanent, strings.Contains(err.Error(), outputs.ErrPermanent.Error()), code)
	}
}
