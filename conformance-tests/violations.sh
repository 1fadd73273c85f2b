#!/bin/sh
# One deliberate violation of a contract at a time, in the mock, the native backend and the web backend (in both browsers). The
# clause's own case must fail, and with the failure of that violation. Prints a table, and writes it to target/ci/violations.md.
#
# A violation is a decorator around the backend, or around the transport of its signaling (conformance-tests/src/planted): whoever
# uses it through the seam, as the core does, cannot tell it from a change in the backend itself. The mock has no transport.
#
#   conformance-tests/violations.sh            the twelve clauses of the backend, and the eight of the transport
#   conformance-tests/violations.sh all        every planted fault, and the columns of two kinds, too: half an hour
set -eu
cd "$(dirname "$0")/.."
columns="mock native chromium firefox" filters="clause_ transport_"
if [ "${1-}" = all ]; then
    columns="$columns native-chromium native-firefox chromium-firefox" filters=all
fi
mkdir -p target/ci
log=target/ci/violations.log table=target/ci/violations.md
status=0
: >"$log"
for column in $columns; do
    for filter in $filters; do
        case "$column $filter" in "mock transport_") continue ;; *" all") filter= ;; esac
        # One column at a time: each has the time that a column may take.
        { CONFORMANCE_PLANTED=1 cargo ci test --column "$column" -- $filter || echo "not all: $column"; } 2>&1 | tee -a "$log"
    done
done
if grep -q '^not all: ' "$log"; then status=1; fi

# "found in COLUMN: CASE: FAULT", once for each way round.
cell() {
    sed -n "s/^found in $1: $2_[a-z_0-9]*: \([A-Za-z]*\)$/\1/p" "$log" | sort -u | tr '\n' ' '
}
{
    echo "| clause | mock | native backend | web backend in Chromium | web backend in Firefox |"
    echo "|---|---|---|---|---|"
    for clause in clause_01 clause_02 clause_03 clause_04 clause_05 clause_06 clause_07 clause_08 clause_09 clause_10 clause_11 clause_12 \
        transport_1 transport_2 transport_3 transport_4 transport_5 transport_6 transport_7 transport_8; do
        row="| $clause |"
        for column in mock native chromium firefox; do
            found=$(cell "$column" "$clause")
            case "$column $clause" in "mock transport_"*) found="no transport " ;; esac
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
