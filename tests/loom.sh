#!/usr/bin/env bash
# Loom over the line: the suite in src/sync/tests must pass, and must fail for every mutant of src/sync.
# tests/loom.sh [MUTANT...]: only these mutants, and not the clean suite.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH="$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin"

locked=()
[[ ${CI:-} == true ]] && locked=(--locked)
# Loom runs a hundred thousand executions: worth optimising, unlike the crate, which is built once for each mutant.
fast=()
for package in loom generator tracing tracing-core; do
    fast+=(--config "profile.test.package.$package.opt-level=3")
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Builds the suite with these flags for rustc, and prints where it is. Without the pool most of `sync` looks dead.
build() {
    local executable
    executable=$(cargo rustc "${locked[@]}" --quiet "${fast[@]}" --lib --profile test --message-format=json-render-diagnostics \
        -- --cfg fairpool_loom -A dead_code -C debuginfo=0 "$@" |
        sed -n 's/.*"name":"fairpool".*"executable":"\([^"]*\)".*/\1/p')
    # The next build takes its place.
    cp "$executable" "$work/suite"
}

# A mutant is looked for with one preemption first, which finds nearly all of them in a second, and then with more.
caught_by() {
    local bound
    for bound in 1 2 ""; do
        if LOOM_FIRST_FAILURE=1 ${bound:+env LOOM_MAX_PREEMPTIONS=$bound} \
            "$work/suite" --nocapture --test-threads=2 &>"$work/log"; then
            continue
        fi
        # An abort leaves no more than the panic behind it.
        sed -nE "s/^(red: |thread ')sync::tests::([a-z_:]+).*/\2/p" "$work/log" | head -n1
        return
    done
    return 1
}

mutants=("$@")
if ((!$#)); then
    mapfile -t mutants < <(grep -rhoP '\bmutant!\("\K\w+(?="\))' src --include=*.rs | sort)
    [[ ${#mutants[@]} == $(printf '%s\n' "${mutants[@]}" | uniq | wc -l) ]] || { echo "a mutant's name is used twice" && exit 1; }
    ((${#mutants[@]})) || { echo "there are no mutants" && exit 1; }
    build
    "$work/suite" --test-threads=2
fi

survived=0
for mutant in "${mutants[@]}"; do
    build --cfg "fairpool_mutant=\"$mutant\""
    if test=$(caught_by); then
        # A suite that died of something else has caught nothing.
        [[ -n $test ]] || { cat "$work/log" && exit 1; }
        printf '%-28s %s\n' "$mutant" "$test"
    else
        printf '%-28s SURVIVED\n' "$mutant"
        survived=1
    fi
done
exit $survived
