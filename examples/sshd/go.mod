module example.org/sshd

go 1.26.0

require github.com/logmetrics/logmetrics v0.0.0

require (
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/dlclark/regexp2/v2 v2.12.0 // indirect
	github.com/elastic/go-grok v0.3.1 // indirect
	github.com/expr-lang/expr v1.17.8 // indirect
	github.com/goccy/go-yaml v1.19.2 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/logmetrics/logmetrics => ../..
