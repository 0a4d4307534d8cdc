#!/bin/sh
# Runs what is executable in /docker-entrypoint.d, in order of version, then the command. Only if the
# command is nginx itself: `docker run nginx sh` configures nothing.
set -e

say() {
    [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"
}

if [ "$1" = nginx ] || [ "$1" = nginx-debug ]; then
    # The loop runs in a subshell: as in the official image, what an .envsh exports is seen by the
    # scripts after it but not by nginx.
    find /docker-entrypoint.d/ -follow -type f -print | sort -V | while read -r script; do
        if [ ! -x "$script" ]; then
            say "ignoring $script, not executable"
            continue
        fi
        case "$script" in
            *.envsh)
                say "sourcing $script"
                # shellcheck source=/dev/null
                . "$script"
                ;;
            *.sh)
                say "launching $script"
                "$script"
                ;;
            *) say "ignoring $script" ;;
        esac
    done
fi

exec "$@"
