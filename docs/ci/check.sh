#!/usr/bin/env bash
# Verifies an experiment, compares it with that of another branch, and writes its report.
#
# EXPERIMENT    its folder, below the repository that is the current folder
# VERIFY_FLAGS  flags of `verify`, words with spaces or ends of lines between them
# BASE          the branch to compare with; nothing is compared where it is empty, or has no such folder
# FAIL_IF       what of the comparison fails, as `--fail-if` of `compare` has it
# FORMAT        the form of what `verify` finds: `human`, `github`, …
# OUT           where the report goes
# GITHUB_STEP_SUMMARY  where a summary is appended, if it is set
#
# It ends with the exit code of `verify`, where that is 0 with that of `compare`, and where that is 0 with that of `report`.
set -euo pipefail
: "${EXPERIMENT:?is to name the folder of an experiment}" "${OUT:?is to name a folder}"
read -ra scylla <<<"${SCYLLA:-cargo scylla}"
read -ra flags -d '' <<<"${VERIFY_FLAGS:-}" || true
mkdir -p "$OUT"
rm -f "$OUT/comparison.txt"

verified=0
"${scylla[@]}" verify "$EXPERIMENT" --format "${FORMAT:-human}" "${flags[@]}" || verified=$?

# What follows is for people: names in it, which others chose, give a workflow of GitHub no command.
if [ "${FORMAT:-}" = github ]; then
    silence=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    echo "::stop-commands::$silence"
fi

reported=0
"${scylla[@]}" report "$EXPERIMENT" --format md,json,csv --out "$OUT" || reported=$?

compared=0
base=$(mktemp -d)
trap 'git worktree remove --force "$base/tree" 2>/dev/null || true; rm -rf "$base"' EXIT
if [ -n "${BASE:-}" ]; then
    if git fetch --quiet --depth 1 origin "$BASE" \
        && git worktree add --quiet --detach "$base/tree" FETCH_HEAD \
        && [ -d "$base/tree/$EXPERIMENT" ]; then
        fails=()
        [ -z "${FAIL_IF:-}" ] || fails=(--fail-if "$FAIL_IF")
        "${scylla[@]}" compare "$base/tree/$EXPERIMENT" "$EXPERIMENT" "${fails[@]}" >"$OUT/comparison.txt" || compared=$?
        # What lies in a folder of a moment is called as git calls it.
        compared_text=$(<"$OUT/comparison.txt")
        printf '%s\n' "${compared_text//"$base/tree/"/"$BASE:"}" >"$OUT/comparison.txt"
        cat "$OUT/comparison.txt"
    else
        echo "nothing to compare with: \`$BASE\` has no such experiment"
    fi
fi

if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$OUT/report.md" ]; then
    cat "$OUT/report.md" >>"$GITHUB_STEP_SUMMARY"
    if [ -f "$OUT/comparison.txt" ]; then
        # Four spaces make a block of code, whatever stands in it.
        { printf '\n### Beside `%s`\n\n' "$BASE"; sed 's/^/    /' "$OUT/comparison.txt"; } >>"$GITHUB_STEP_SUMMARY"
    fi
fi
[ -z "${silence:-}" ] || echo "::$silence::"
[ "$verified" = 0 ] || exit "$verified"
[ "$compared" = 0 ] || exit "$compared"
exit "$reported"
