#!/bin/sh
# The front door's container, as its first process: starts nginx, starts it again inside when it
# dies, and rotates its log. teal/front_door.py does this for plain processes and can do more; here
# is no Python, and a shell cannot hold a listening socket: when the master dies, its workers are
# asked to finish and the next nginx takes the port, which is free for some hundredths of a second.
#
# usage: start.sh RENDERED RUN LOG SPOOL     four folders, see compose.yml
#
# HUP   reload
# USR1  reopen the log
# TERM, QUIT, INT  stop. The container's port goes with the container: whoever is refused while it
#       stops is not served by the next one until this one is gone. So requests in flight get
#       DRAIN_SECONDS, and what takes longer (a slow download) is cut.
set -eu

DRAIN_SECONDS=2
# Nginx that ends sooner than this did not start at all: the engine tries again, and shows it.
STARTED_SECONDS=2

# The whole script is read before any of it runs: an upgrade may replace the file meanwhile.
main() {
    # The log holds what users sent: not for everybody on the machine.
    umask 027
    rendered=$1 run=$2 log=$3 spool=$4
    configuration=$rendered/current/nginx.conf
    master='' next=''
    trap 'pass_on HUP "$master"' HUP
    # shellcheck disable=SC2046 # one word each
    trap 'pass_on USR1 $(ours)' USR1
    trap 'next=yes' USR2
    trap 'stop' TERM QUIT INT
    echo $$ >"$run/parent.pid"
    # What a crash left behind; nothing can use it now.
    rm -rf "$spool/client_body"
    rotate &
    ports=$(listening)
    while :; do
        start
    done
}

start() {
    wait_for_ports
    nginx -e stderr -c "$configuration" &
    master=$! next='' begun=$(date +%s) code=0
    tell_when_it_finishes "$master" &
    # Not when nginx is gone: then every process that we start costs time.
    ports=$(listening)
    # Every signal ends a wait.
    while [ -z "$next" ] && kill -0 "$master" 2>/dev/null; do
        code=0
        wait "$master" || code=$?
    done
    if [ -n "$next" ]; then
        echo "start: nginx ($master) finishes; a new one starts" >&2
    elif [ $(($(date +%s) - begun)) -lt "$STARTED_SECONDS" ] && [ -z "$(ours)" ]; then
        exit "$code"
    else
        echo "start: nginx ($master) is gone; a new one starts" >&2
    fi
    # shellcheck disable=SC2046 # one word each
    pass_on QUIT $(ours)
}

rotate() {
    while :; do
        /etc/teal/nginx/rotate.sh "$log/access.log" "$run/parent.pid" "$rendered/rotate" || true
        sleep 1
    done
}

# A master that was asked to quit lives as long as its last download, but listens no more. $$ is still
# the container's first process here.
tell_when_it_finishes() {
    until are_taken "$ports" || ! kill -0 "$1" 2>/dev/null; do sleep 0.2; done
    while are_taken "$ports" && kill -0 "$1" 2>/dev/null; do sleep 0.5; done
    if kill -0 "$1" 2>/dev/null; then kill -USR2 $$; fi
}

# The ports of all listen directives, as the kernel's table shows a socket that listens at them.
listening() {
    sed -n 's/^[[:space:]]*listen[[:space:]]\{1,\}\([^;]*:\)\{0,1\}\([0-9]\{1,\}\)[[:space:];].*/\2/p' \
        "$rendered"/current/*.conf | while read -r port; do
        printf ':%04X [0-9A-F]*:0000 0A \n' "$port"
    done
}

are_taken() {
    [ -n "$1" ] && grep -qs "$1" /proc/net/tcp /proc/net/tcp6
}

# Nginx tries to get its port twice a second; we look more often. Workers that hang are killed.
wait_for_ports() {
    tries=0
    while are_taken "$ports"; do
        tries=$((tries + 1))
        if [ "$tries" -eq 150 ]; then
            # shellcheck disable=SC2046 # one word each
            pass_on KILL $(ours)
        elif [ "$tries" -gt 300 ]; then
            break
        fi
        sleep 0.02
    done
}

# Masters, and workers whose master is gone: the nginx processes whose parent is this one.
ours() {
    for stat in /proc/[0-9]*/stat; do
        read -r pid name state parent _ 2>/dev/null <"$stat" || continue
        if [ "$name" = "(nginx)" ] && [ "$parent" = $$ ] && [ "$state" != Z ]; then
            echo "$pid"
        fi
    done
}

pass_on() {
    signal=$1
    shift
    for one in "$@"; do
        kill "-$signal" "$one" 2>/dev/null || true
    done
}

stop() {
    trap '' TERM QUIT INT HUP USR1 USR2
    # shellcheck disable=SC2046 # one word each
    pass_on QUIT $(ours)
    sleep "$DRAIN_SECONDS" &
    limit=$!
    while [ -n "$(ours)" ] && kill -0 "$limit" 2>/dev/null; do
        sleep 0.1
    done
    exit 0
}

main "$@"
