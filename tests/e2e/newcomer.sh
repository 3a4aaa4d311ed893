#!/usr/bin/env bash
# Does what the README tells a newcomer, in an empty home and a fresh virtual environment, and prints how long each
# step took. Fails if a step fails; a slow step is only said, since machines differ.
# Usage: tests/e2e/newcomer.sh [FOLDER], a folder that is empty or not there, kept afterwards. `python3` must have the
# packages of '.[dev]': it presses the keys.
set -euo pipefail
export LC_ALL=C.UTF-8
root=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:-}
if [[ -z $work ]]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work/elsewhere"
export STORYTIME_HOME="$work/home" HF_HUB_OFFLINE=1
program="$work/venv/bin/storytime-tui"

step() { # NAME LIMIT COMMAND...: runs the command, prints its seconds beside what is promised ("" is nothing)
    local name=$1 limit=$2 began ended
    shift 2
    began=$EPOCHREALTIME
    "$@" >"$work/out" 2>"$work/err" || { echo "failed: $name" >&2 && cat "$work/out" "$work/err" >&2 && exit 1; }
    ended=$EPOCHREALTIME
    printf '%-34s %7.1f s%s\n' "$name" "$(awk "BEGIN { print $ended - $began }")" "${limit:+   (at most $limit asked)}"
}

install() {
    env -u VIRTUAL_ENV python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install "$root"
}

step "install" "" install
cd "$work/elsewhere" # nothing may be found in the checkout by chance
step "version" "" "$program" --version
# the app's own seconds, from its start in a terminal: to the first frame, and to the first told word
(cd "$root" && python3 -m tests.e2e.first_word "$program")
step "tell, all of it" "" "$program" tell --prompt "Once upon a time" --max-tokens 40
(cd "$root" && python3 -m tests.e2e.first_word "$program" --tell)
step "train on Hedgerow Tales" "" "$program" train --corpus hedgerow-tales --run hedgerow
step "a tale in its voice" "" "$program" tell --model hedgerow --save "The Owl" --prompt "An owl sat up late."
grep -q . "$work/out"
step "the story is listed" "" "$program" stories list
grep -q "The Owl" "$work/out"
step "export as an e-book" "" "$program" stories export "The Owl" --to owl.epub
python3 -m zipfile -t owl.epub >/dev/null
step "the run is found again" "" "$program" runs list
grep -q "hedgerow" "$work/out"
step "the run's report" "" "$program" runs report hedgerow --to hedgerow.html
"$program" runs show hedgerow | grep "sound like"
