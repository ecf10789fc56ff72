/"GET \/[^ ]* HTTP\/[0-9.]+"/ { n++ }
END { print n }
