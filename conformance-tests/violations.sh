#!/bin/sh
# One deliberate violation of the contract at a time, in the mock, the native backend and the web backend (in both browsers). The
# clause's own case must fail, and with the failure of that violation. Prints a table, and writes it to target/ci/violations.md.
#
# A violation is a decorator around the backend (conformance-tests/src/planted): whoever uses the backend through the seam, as the
# core does, cannot tell it from a change in the backend itself.
#
#   conformance-tests/violations.sh            the twelve clauses
#   conformance-tests/violations.sh all        every planted fault, and the columns of two kinds, too: half an hour
set -eu
cd "$(dirname "$0")/.."
columns="mock native chromium firefox" filter=clause_
if [ "${1-}" = all ]; then
    columns="$columns native-chromium native-firefox chromium-firefox" filter=
fi
mkdir -p target/ci
log=target/ci/violations.log table=target/ci/violations.md
status=0
: >"$log"
for column in $columns; do
    # One column at a time: each has the time that a column may take.
    { CONFORMANCE_PLANTED=1 cargo ci test --column "$column" -- $filter || echo "not all: $column"; } 2>&1 | tee -a "$log"
done
if grep -q '^not all: ' "$log"; then status=1; fi

# "found in COLUMN: CASE: FAULT", once for each way round.
cell() {
    sed -n "s/^found in $1: clause_$2_[a-z_0-9]*: \([A-Za-z]*\)$/\1/p" "$log" | sort -u | tr '\n' ' '
}
{
    echo "| clause | mock | native backend | web backend in Chromium | web backend in Firefox |"
    echo "|---|---|---|---|---|"
    for clause in 01 02 03 04 05 06 07 08 09 10 11 12; do
        row="| $clause |"
        for column in mock native chromium firefox; do
            found=$(cell "$column" "$clause")
            if [ -z "$found" ]; then
                found="**nothing found** " status=1
            fi
            row="$row $found|"
        done
        echo "$row"
    done
} >"$table"
cat "$table"
exit "$status"
