#!/bin/sh
# Asks deployer to do something, waits until it is done, and fails as it fails. Needs curl and jq.
#
#   deployer.sh SERVICE deploy|canary|promote|rollback|hold|resume [NAME=VALUE]...
#   deployer.sh SERVICE verdict TAG     waits until the canary TAG is promoted, or fails when it is not
#
# DEPLOYER_URL and DEPLOYER_TOKEN say where and by which right; DEPLOYER_TIMEOUT (1800) how many seconds it waits.
set -eu

die() { printf '%s\n' "$*" >&2; exit 1; }

[ $# -ge 2 ] || die "usage: deployer.sh SERVICE ACTION [NAME=VALUE]..."
[ -n "${DEPLOYER_URL:-}" ] || die "DEPLOYER_URL is not set"
[ -n "${DEPLOYER_TOKEN:-}" ] || die "DEPLOYER_TOKEN is not set"
case $DEPLOYER_TOKEN in *[!A-Za-z0-9._~+/=-]*) die "DEPLOYER_TOKEN: expected a bearer token" ;; esac
timeout=${DEPLOYER_TIMEOUT:-1800}
service=$1 action=$2
shift 2

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# ask METHOD PATH [CURL'S OPTIONS]... ; the answer is in $answer then. The token comes by standard input: whatever is an
# argument can be seen by every process of the machine.
ask() {
    method=$1 path=$2
    shift 2
    status=$(printf 'header = "Authorization: Bearer %s"\n' "$DEPLOYER_TOKEN" |
        curl --config - --silent --show-error --request "$method" --header 'Accept: application/json' \
            --connect-timeout 10 --max-time "$timeout" --output "$answer" --write-out '%{http_code}' \
            "$@" "${DEPLOYER_URL%/}/$service$path") || die "deployer does not answer"
    case $status in
        2??) ;;
        *)
            jq --raw-output '"\(.title): \(.detail)", (.context // {} | to_entries[] | "  \(.key): \(.value)")' \
                "$answer" >&2 || cat "$answer" >&2
            die "$service: $action failed ($status)"
            ;;
    esac
}

if [ "$action" = verdict ]; then
    tag=${1:?expected the tag of the canary}
    began=$(date +%s)
    while ask GET /status && [ "$(jq --raw-output .canary.tag "$answer")" = "$tag" ]; do
        [ $(($(date +%s) - began)) -lt "$timeout" ] || die "$service: the canary $tag is not decided yet"
        sleep "${DEPLOYER_INTERVAL:-30}"
    done
    stable=$(jq --raw-output .stable.tag "$answer")
    [ "$stable" = "$tag" ] || die "$service: the canary $tag was rolled back; $stable runs"
    printf '%s: %s was promoted\n' "$service" "$tag"
    exit
fi

for field; do
    shift
    set -- "$@" --data-urlencode "$field"
done
ask PUT "/$action" "$@"
jq . "$answer"
