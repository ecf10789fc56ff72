module example.org/sshd

go 1.26.0

require github.com/logmetrics/logmetrics v0.0.0

replace github.com/logmetrics/logmetrics => ../..
