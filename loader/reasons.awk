# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# include/fantel/reason.h as the manual's list of reasons, in mdoc; called by the Makefile.
BEGIN { FS = "\"" }
/^\t\/\*/ {
	sub(/^\t\/\* /, "")
	sub(/ \*\/.*/, "")
	if (open)
		print ".El"
	print ".Ss Reasons: " $0
	print ".Bl -tag -width Ds -compact"
	open = 1
}
/^\tX\(/ {
	split($3, fate, /[ ,]+/)
	print ".It Cm " $2 " Pq " tolower(fate[2])
	print $4
}
END { print ".El" }
