#!/bin/sh
# Keeps the access log small, and loses no line: rename, then ask nginx to reopen (USR1). Workers
# write to the renamed file until they have reopened, and the exporter reads it to its end.
#
# usage: rotate.sh LOG PIDFILE MAX_MEGABYTES KEEP
#
# Runs beside nginx (in its container, or as a process of its own) because only there the signal
# can be sent without any privilege.
set -eu

if [ $# -ne 4 ]; then
    echo "usage: rotate.sh LOG PIDFILE MAX_MEGABYTES KEEP" >&2
    exit 2
fi
log=$1
pidfile=$2
max_bytes=$(($3 * 1024 * 1024))
keep=$4
echo "rotate: keeping $log below $3 MB and $keep older files"

while :; do
    size=$(stat -c %s "$log" 2>/dev/null || echo 0)
    # Without a running nginx nobody would create the new file.
    if [ "$size" -ge "$max_bytes" ] && pid=$(cat "$pidfile" 2>/dev/null) && kill -0 "$pid" 2>/dev/null; then
        i=$keep
        while [ "$i" -gt 1 ]; do
            if [ -e "$log.$((i - 1))" ]; then
                mv -f "$log.$((i - 1))" "$log.$i"
            fi
            i=$((i - 1))
        done
        mv "$log" "$log.1"
        kill -USR1 "$pid" || echo "rotate: nginx ($pid) went away; it opens a new log when it starts" >&2
        echo "rotate: $size bytes moved to $log.1"
    fi
    sleep 5
done
