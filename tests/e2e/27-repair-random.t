#!/bin/bash
# SPDX-License-Identifier: MIT
#
# status --repair of one path, on random trees that were changed at random: see
# tests/lib/repair-random for what must hold. A fixed seed, and a fresh one.

# shellcheck disable=SC2154 # the library's variables
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/e2e.sh"

rounds=${REPAIR_ROUNDS:-25}
for seed in 1 "$((SRANDOM % 1000000 + 1000))"; do
	ok "$rounds rounds from seed $seed" \
		as_user /usr/bin/python3 .bin/lib/repair-random "$LIVERY" "$seed" "$rounds"
	diag "$OUT"
done
no_sanitizer_report "all"
finish
