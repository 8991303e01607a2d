#!/bin/sh
# Asks deployer to do something, waits until it is done, and fails as it fails. Needs curl and jq.
#
#   deployer.sh SERVICE deploy|canary|promote|rollback|hold|resume [NAME=VALUE]...
#   deployer.sh SERVICE verdict TAG     waits until the canary TAG is promoted, or fails when it is not
#
# DEPLOYER_URL and DEPLOYER_TOKEN say where and by which right; DEPLOYER_TIMEOUT (1800) how many seconds it waits. A verdict is
# asked for every DEPLOYER_INTERVAL (30) seconds; it goes on where deployer cannot answer, up to DEPLOYER_FAILURES (10) times in
# a row.
#
# It exits with 0 when it is done, or the canary was promoted; 1: deployer refused, or what it did failed; 2: wrong usage;
# 3: the canary was rolled back, and what served before serves on; 4: the canary is not decided yet, or another version took
# its place; 5: deployer does not answer.
set -eu

# die CODE WORDS...
die() { code=$1; shift; printf '%s\n' "$*" >&2; exit "$code"; }

[ $# -ge 2 ] || die 2 "usage: deployer.sh SERVICE ACTION [NAME=VALUE]..."
[ -n "${DEPLOYER_URL:-}" ] || die 2 "DEPLOYER_URL is not set"
[ -n "${DEPLOYER_TOKEN:-}" ] || die 2 "DEPLOYER_TOKEN is not set"
case $DEPLOYER_TOKEN in *[!A-Za-z0-9._~+/=-]*) die 2 "DEPLOYER_TOKEN: expected a bearer token" ;; esac
timeout=${DEPLOYER_TIMEOUT:-1800}
service=$1 action=$2
shift 2

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# ask METHOD PATH [CURL'S OPTIONS]... ; the status is in $status then, 000 without an answer, and the answer in $answer. The
# token comes by standard input: whatever is an argument can be seen by every process of the machine.
ask() {
    method=$1 path=$2
    shift 2
    : >"$answer"
    status=$(printf 'header = "Authorization: Bearer %s"\n' "$DEPLOYER_TOKEN" |
        curl --config - --silent --show-error --request "$method" --header 'Accept: application/json' \
            --connect-timeout 10 --max-time "$timeout" --output "$answer" --write-out '%{http_code}' \
            "$@" "${DEPLOYER_URL%/}/$service$path") || status=000
}

# Ends where the answer is none, or a refusal.
check() {
    case $status in
        2??) return ;;
        000) die 5 "$service: deployer does not answer" ;;
    esac
    jq --raw-output '"\(.title): \(.detail)", (.context // {} | to_entries[] | "  \(.key): \(.value)")' \
        "$answer" >&2 || cat "$answer" >&2
    die 1 "$service: $action failed ($status)"
}

# Whether it may answer later: a replica that ends, a proxy without one, a cluster that is away.
is_away() { case $status in 000 | 408 | 429 | 5??) ;; *) return 1 ;; esac; }

# The status of the service, as soon as deployer says it.
look() {
    failures=0
    ask GET /status --max-time 60
    while is_away && [ "$failures" -lt "${DEPLOYER_FAILURES:-10}" ] && ! is_late; do
        failures=$((failures + 1))
        printf '%s: no answer (%s), asking again\n' "$service" "$status" >&2
        sleep "$interval"
        ask GET /status --max-time 60
    done
    check
    canary=$(jq --raw-output .canary.tag "$answer")
    stable=$(jq --raw-output .stable.tag "$answer")
    operation=$(jq --raw-output .operation "$answer")
}

is_late() { [ $(($(date +%s) - began)) -ge "$timeout" ]; }

if [ "$action" = verdict ]; then
    [ -n "${1:-}" ] || die 2 "expected the tag of the canary"
    tag=$1 before='' interval=${DEPLOYER_INTERVAL:-30} began=$(date +%s)
    look
    # While something is being done, what runs is not what will.
    while [ "$canary" = "$tag" ] || [ "$operation" != null ]; do
        [ "$canary" != "$tag" ] || [ "$operation" != null ] || before=$stable
        is_late && die 4 "$service: the canary $tag is not decided yet"
        sleep "$interval"
        look
    done
    if [ "$stable" = "$tag" ]; then
        printf '%s: %s was promoted\n' "$service" "$tag"
    elif [ "$canary" = null ] && [ "$stable" = "$before" ]; then
        die 3 "$service: the canary $tag was rolled back; $stable runs"
    else
        die 4 "$service: the canary $tag is not there; stable is $stable, the canary $canary"
    fi
    exit
fi

for field; do
    shift
    set -- "$@" --data-urlencode "$field"
done
ask PUT "/$action" "$@"
check
jq . "$answer"
