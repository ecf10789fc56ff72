# What a text search makes of a mail log: three counts, fooled by log text.
/status=sent/ { sent++ }
/status=deferred/ { deferred++ }
/status=bounced/ { bounced++ }
END { print sent, deferred, bounced }
