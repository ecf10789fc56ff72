# Status classes and bytes of an access log, by splitting at quotes.
{ n = split($0, q, "\""); split(q[3], f, " "); class[substr(f[1], 1, 1)]++; bytes += f[2] }
END { for (c in class) print c, class[c]; print bytes }
