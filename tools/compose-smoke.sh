#!/bin/bash
# Tries a running `docker compose up` from outside: bash tools/compose-smoke.sh [NOTEBOOK]
# DOCKER and PROJECT name another docker command and compose project.
set -euo pipefail
cd "$(dirname "$0")/.."
notebook=${1:-04-afterindex-recovery}
port=${ETCD_WATCH_LAB_PORT:-8888}
dc() { "${DOCKER:-docker}" compose ${PROJECT:+-p "$PROJECT"} "$@"; }
fail() {
	echo "compose-smoke: $*" >&2
	exit 1
}

[ "$(dc exec -T lab id -u)" != 0 ] || fail "JupyterLab runs as root"
[ "$(dc port lab "$port")" = "127.0.0.1:$port" ] || fail "JupyterLab is published beyond 127.0.0.1"
[ -z "$(dc ps --format '{{range .Publishers}}{{if .PublishedPort}}{{.URL}}:{{.PublishedPort}}{{end}}{{end}}' etcd)" ] ||
	fail "etcd is published"
echo "not root, published on 127.0.0.1 alone"

token=$(dc logs --no-log-prefix lab | grep -o 'token=[^[:space:]]*' | tail -1 | cut -d= -f2)
[ -n "$token" ] || fail "no token in the log"
answer() { curl --noproxy '*' -s -o /dev/null -w '%{http_code}' "$@"; }
base=http://127.0.0.1:$port
[ "$(answer "$base/api/contents")" = 403 ] || fail "let in without the token"
[ "$(answer "$base/lab")" = 302 ] || fail "/lab does not lead to the login"
[ "$(answer -H "Authorization: token ${token}x" "$base/api/contents")" = 403 ] || fail "let in with a wrong token"
[ "$(answer -H "Authorization: token $token" "$base/api/contents")" = 200 ] || fail "not let in with the token"
rebound=$(answer -H "Host: page.example:$port" -H "Authorization: token $token" "$base/api/contents")
[ "$rebound" = 403 ] || fail "let in by another host's name"
echo "refused without the token, let in with it"

# As JupyterLab saves an edit.
edit=notebooks/compose-smoke.txt
trap 'rm -f "$edit"' EXIT
saved=$(answer -X PUT -H "Authorization: token $token" -d '{"type":"file","format":"text","content":"an edit"}' \
	"$base/api/contents/compose-smoke.txt")
[ "$saved" = 201 ] || fail "an edit could not be saved: $saved"
[ "$(cat "$edit")" = "an edit" ] || fail "an edit made in the container is not seen on the host"
[ "$(answer -X DELETE -H "Authorization: token $token" "$base/api/contents/compose-smoke.txt")" = 204 ] ||
	fail "a file could not be deleted"
[ ! -e "$edit" ] || fail "a deletion made in the container is not seen on the host"
echo "an edit made in the container is seen on the host"

before=$(stat -c %Y.%s "notebooks/$notebook.ipynb")
dc exec -T lab node tools/bootstrap.mjs notebooks "$notebook"
[ "$(stat -c %Y.%s "notebooks/$notebook.ipynb")" != "$before" ] || fail "$notebook ran and its file did not change"
echo "$notebook ran inside the container"
