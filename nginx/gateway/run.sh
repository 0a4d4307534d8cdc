#!/bin/sh
# Starts nginx as a plain process, after the workers that a killed master may have left behind: they
# would go on serving, unsupervised, and hold the port. Asked to quit, they finish what they serve.
#
# usage: run.sh PIDFILE COMMAND...
set -eu
# The log holds what users sent: not for everybody on the machine.
umask 027
pidfile=$1
shift
old=$(cat "$pidfile" 2>/dev/null) || old=
if [ -n "$old" ]; then
    for stat in /proc/[0-9]*/stat; do
        # pid, name, state, parent, process group: the supervisor makes each master a group of its own.
        read -r pid name _ _ group _ <"$stat" 2>/dev/null || continue
        if [ "$group" = "$old" ] && [ "$name" = "(nginx)" ] && [ "$pid" != "$$" ]; then
            kill -QUIT "$pid" 2>/dev/null || true
        fi
    done
fi
exec "$@"
