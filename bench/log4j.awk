# Levels of a Log4j log with the level as the third word.
$3 ~ /^(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)$/ { n[$3]++ }
END { for (l in n) print l, n[l] }
