#!/usr/bin/env bash
# Shows the main job on the sample logs of this folder: collect, detect on the way, raise alerts, ask.
#
#     examples/demo/run.sh PATH-OF-EGRET [FOLDER]
#
# Works in FOLDER (default ~/.cache/egret/demo), which is emptied first and kept afterwards.
set -euo pipefail

egret=$(realpath -- "${1:?usage: run.sh PATH-OF-EGRET [FOLDER]}")
folder=${2:-$HOME/.cache/egret/demo}
samples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
marker=.egret-demo

bold='' faint='' plain=''
if [[ -t 1 && -z "${NO_COLOR:-}" ]]; then
    bold=$'\e[1m' faint=$'\e[2m' plain=$'\e[0m'
fi

# Says what comes, then the command as a person would type it, then runs it.
show() {
    printf '\n%s%s%s\n%s$ egret %s%s\n\n' "$bold" "$1" "$plain" "$faint" "$2" "$plain"
    shift 2
    "$egret" --config egret.hcl "$@"
}

# Only a folder that this script made is emptied.
if [[ -e "$folder" && ! -e "$folder/$marker" ]]; then
    echo "$folder exists and was not made by the demo; name another folder" >&2
    exit 2
fi
rm -rf -- "$folder"
mkdir -p -- "$folder"
touch -- "$folder/$marker"
cp -r -- "$samples/logs" "$samples/queries" "$samples/host" "$samples/egret.hcl" "$samples/receiver.py" \
    "$folder/"
# Syslog lines of the old kind name no year: it comes from the time at which the file was last written.
touch -d '2026-03-19T00:00:00Z' -- "$folder"/logs/auth/auth.log
cd -- "$folder"
unset EGRET_CONFIG EGRET_DEMO_WEBHOOK

# Somebody who listens for alerts, on loopback, until the demo ends.
start_receiver() {
    if ! command -v python3 > /dev/null; then
        echo "python3 is not here, so nobody listens for alerts: the webhook is left out"
        return
    fi
    python3 receiver.py receiver.port received.txt &
    local receiver=$!
    # shellcheck disable=SC2064 # the id of now is meant
    trap "kill $receiver 2> /dev/null || true" EXIT
    for _ in {1..100}; do
        if [[ -s receiver.port ]]; then
            EGRET_DEMO_WEBHOOK="http://127.0.0.1:$(< receiver.port)/alerts"
            export EGRET_DEMO_WEBHOOK
            return
        fi
        sleep 0.1
    done
    echo "the receiver of the webhook did not start: the webhook is left out"
}
start_receiver

show "Four kinds of log go into a lake; detections look at every row on the way." \
    "collect" collect

show "Findings that belong together became alerts:" \
    "alert list --output table" alert list --output table

if [[ -s received.txt ]]; then
    printf '\n%sThe severe ones were sent to a webhook. It got %s:%s\n%s$ cat received.txt%s\n\n' \
        "$bold" "$(wc -l < received.txt)" "$plain" "$faint" "$plain"
    cat received.txt
fi

show "What was found, the worst first:" \
    "query \"select severity, count(*) as findings, title from finding ...\"" \
    query --output table "
        select severity, count(*) as findings, min(tp_timestamp) as first_seen, title
        from finding
        group by severity, title
        order by case severity when 'critical' then 1 when 'high' then 2 when 'medium' then 3 else 4 end, first_seen"

for file in queries/*.sql; do
    question=$(sed -n '1s/^-- //p' "$file")
    show "$question" "query $file" query --output table "$file"
done

show "Logs say what happened; generators look at what is. The first look is what others are compared with." \
    "state run" state run --output table

cp -r -- "$samples/host-after/." host/
show "After the break-in, the host has what nobody put there. Detections on changes see it:" \
    "state run" state run --output table

show "What became different, a line for each place:" \
    "state diff users --format operations" state diff users --format operations

cat <<END

${bold}What to try next${plain}

  cd $folder
  alias egret=$egret

  egret collect                       nothing is new, so nothing happens: no row is ever stored twice
  egret finding list                  each finding with its evidence
  egret alert show ID                 an alert with its findings and deliveries; the first digits of its id will do
  egret alert close ID --reason TEXT  say what it was; alerts.jsonl is told of it
  egret query 'from finding limit 5'  ask anything, in DuckDB's SQL
  egret state diff users              the same as a unified diff; --format tree, patch
  egret state show users --key '*2'   the objects of a state, now or --at a time
  egret scan logs --rules egret.hcl   the same detections over files, without any lake
  egret table show linux_auth_log     the columns of a table
  \$EDITOR egret.hcl                   change a detection, then: egret hunt NAME

Your own logs: egret init DIR writes a configuration to start from.
END
