#!/bin/sh
# Keeps the access log small, and loses no line: rename, then ask nginx to reopen (USR1). Workers
# write to the renamed file until they have reopened, and the exporter reads it to its end.
#
# usage: rotate.sh LOG PIDFILE NUMBERS
#
# PIDFILE holds who passes USR1 on to nginx: the process that started it (nginx's own pid file is
# removed by a master that finishes while the next one serves). NUMBERS is a file that holds the
# largest size in megabytes and how many older files are kept; it is read each time, so that a change
# needs no restart.
#
# Runs beside nginx (in its container, or as a process of its own) because only there the signal
# can be sent without any privilege.
set -eu

if [ $# -ne 3 ]; then
    echo "usage: rotate.sh LOG PIDFILE NUMBERS" >&2
    exit 2
fi
log=$1
pidfile=$2
numbers=$3
megabytes=''
keep=''

# Sets pid to who passes the signal on; fails without one: nobody would create the new file.
nginx_runs() {
    pid=''
    if [ -r "$pidfile" ]; then read -r pid <"$pidfile" || true; fi
    [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
}

reopen() {
    kill -USR1 "$pid" || echo "rotate: nginx ($pid) went away; it opens a new log when it starts" >&2
}

while :; do
    before="$megabytes $keep"
    if [ -r "$numbers" ]; then read -r megabytes keep <"$numbers" || true; fi
    if [ "$megabytes $keep" != "$before" ]; then
        echo "rotate: keeping $log below $megabytes MB and $keep older files"
    fi
    if [ -n "$keep" ] && nginx_runs; then
        size=$(stat -c %s "$log" 2>/dev/null) || size=''
        if [ -z "$size" ]; then
            # We were killed between the two steps: nginx still writes to the renamed file.
            reopen
        elif [ "$size" -ge $((megabytes * 1024 * 1024)) ]; then
            i=$keep
            while [ "$i" -gt 1 ]; do
                if [ -e "$log.$((i - 1))" ]; then
                    mv -f "$log.$((i - 1))" "$log.$i"
                fi
                i=$((i - 1))
            done
            mv "$log" "$log.1"
            reopen
            echo "rotate: $size bytes moved to $log.1"
        fi
    fi
    sleep 5
done
