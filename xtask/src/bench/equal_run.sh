set -e
# $1: the run's number; $2: the task's repository; $3: the folder of a finished run, whose files are written again.
run=$PWD/run_$1

# A file is written beside its place, synced, renamed, and its folder synced.
durable() {
    cat "$3/$1" >"$run/$1.new"
    sync "$run/$1.new"
    mv "$run/$1.new" "$run/$1"
    sync "$run/$(dirname "$1")"
}

mkdir -p "$run/agent/record" "$run/checks" "$run/judge/judge_01"
sync "$run/agent" "$run" "$PWD"
git clone --quiet --local --no-hardlinks --branch base "$2" "$run/workspace"
cat "$3/agent/prompt.md" >"$run/agent/prompt.md"
cat "$3/agent/command.json" >"$run/agent/command.json"
(cd "$run/workspace" && exec timeout 60 true) </dev/null >"$run/agent/stdout.log" 2>"$run/agent/stderr.log"
durable agent/result.json "$2" "$3"
git -C "$run/workspace" add --all
git -C "$run/workspace" diff --cached --binary HEAD >"$run/changes.patch.new"
sync "$run/changes.patch.new"
mv "$run/changes.patch.new" "$run/changes.patch"
sync "$run"
(cd "$run/workspace" && exec timeout 60 true) </dev/null >"$run/checks/ends.log" 2>"$run/checks/ends.stderr.log"
durable checks/result.json "$2" "$3"
durable judge/judge_01/judgment.json "$2" "$3"
durable judge/result.json "$2" "$3"
sync "$run/agent/prompt.md" "$run/agent/command.json"
(cd "$run" && sha256sum agent/*.* changes.patch checks/* judge/*.json judge/judge_01/* >SHA256SUMS.new)
sync "$run/SHA256SUMS.new"
mv "$run/SHA256SUMS.new" "$run/SHA256SUMS"
sync "$run"
durable run_result.json "$2" "$3"
rm -rf "$run/workspace"
