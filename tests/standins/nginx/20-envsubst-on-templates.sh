#!/bin/sh
# Fills in ${NAME} and $NAME in every template. Only variables that exist are touched, so nginx's own
# ($host) stay as they are. Stream templates (*.stream-template) are not here: Teal has none.
set -e

templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
suffix=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}
output=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}

[ -d "$templates" ] || exit 0
if [ ! -w "$output" ]; then
    # The official image goes on as well, and nginx then says what it lacks.
    echo "$0: ERROR: $templates exists, but $output is not writable"
    exit 0
fi

names=$(awk -v filter="${NGINX_ENVSUBST_FILTER:-}" \
    'BEGIN { for (name in ENVIRON) if (name ~ filter) printf "${%s} ", name }')
find "$templates" -follow -type f -name "*$suffix" -print | while read -r template; do
    file=$output/${template#"$templates/"}
    mkdir -p "$(dirname "$file")"
    [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: running envsubst on $template"
    envsubst "$names" <"$template" >"${file%"$suffix"}"
done
