#!/bin/sh
# The container's entrypoint: log rotation beside nginx, then the image's own entrypoint, which
# fills in the templates and starts nginx.
set -eu
# The log holds what users sent: not for everybody on the machine.
umask 027
mkdir -p "$LOG_DIR"
/etc/teal/nginx/rotate.sh "$LOG_DIR/access.log" "$NGINX_RUN_DIR/nginx.pid" "$LOG_ROTATE_MB" "$LOG_ROTATE_KEEP" &
exec /docker-entrypoint.sh "$@"
