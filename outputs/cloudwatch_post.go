package outputs

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// cloudWatchPost posts signed requests.
type cloudWatchPost struct {
	*httpPost
	region      string
	credentials func() (AWSCredentials, error)
	signer      *v4.Signer
}

func newCloudWatchPost(own CloudWatchOptions, opt Options) (*cloudWatchPost, error) {
	if opt.Address == "" {
		opt.Address = "monitoring." + own.Region + ".amazonaws.com"
		if strings.HasPrefix(own.Region, "cn-") {
			opt.Address += ".cn"
		}
	}
	opt.Protocol = cmp.Or(opt.Protocol, "https")
	to, err := endpoint(opt, webPorts(80), "/")
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}, "Content-Encoding": {"gzip"}}
	post, err := newHTTPPost(to.String(), header, opt)
	if err != nil {
		return nil, err
	}
	return &cloudWatchPost{post, own.Region, own.Credentials, v4.NewSigner()}, nil
}

// signed is the link of one batch, with the credentials of that moment.
type signed struct {
	*cloudWatchPost
	credentials aws.Credentials
}

func (p *cloudWatchPost) open(context.Context) (link, error) {
	if p.credentials == nil {
		return nil, errors.New("credentials: there are none")
	}
	c, err := p.credentials()
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	return &signed{p, aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}}, nil
}

func (s *signed) send(ctx context.Context, body []byte) error {
	body, err := s.zip(body)
	if err != nil {
		return fmt.Errorf("compress a body for %s: %w", s.url, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post to %s: %w", s.url, err)
	}
	req.Header = s.header.Clone()
	hash := sha256.Sum256(body)
	if err := s.signer.SignHTTP(ctx, s.credentials, req, hex.EncodeToString(hash[:]), "monitoring", s.region, time.Now()); err != nil {
		return fmt.Errorf("post to %s: sign: %w", s.url, err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("post: %w", err) // it names the method and the URL
	}
	defer res.Body.Close()
	if res.StatusCode/100 == 2 {
		_, err := answered(s.url, res)
		return err
	}
	return cloudWatchRefusal(s.url, res)
}

// cloudWatchRefusal is an error from AWS. A status of 400 alone does not tell
// what would be refused again: throttling and expired credentials have it, too.
func cloudWatchRefusal(to string, res *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxRefusal)) // of a refusal that broke off its beginning is enough
	err := fmt.Errorf("post to %s: %s %q", to, res.Status, strings.TrimSpace(string(text)))
	if _, rest, ok := strings.Cut(string(text), "<Code>"); ok && res.StatusCode == http.StatusBadRequest {
		code, _, _ := strings.Cut(rest, "</Code>")
		if !slices.Contains(lastingCodes, code) {
			return err
		}
	}
	if permanent(res.StatusCode) {
		return fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	return err
}

// lastingCodes are those of errors in the data, which would be refused again:
// above all times of more than two weeks ago.
var lastingCodes = []string{
	"InvalidFormat", "InvalidParameterCombination", "InvalidParameterValue", "MalformedQueryString", "MissingParameter", "MissingRequiredParameter",
	"ValidationError",
}
