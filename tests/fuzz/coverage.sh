#!/usr/bin/env bash
# coverage.sh [TARGET…] — print for each target (all) how many lines of its parsers its corpus reaches, by the table in `parsers`; with
# MISSED=1 also which ones it does not. The corpus is what `./build.sh fuzz` left below tests/fuzz/corpus.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../initramfs/host.sh"
cd "$top"

# Only tools of the compiler's own LLVM read what it writes: rustup has them, and so has Debian where it has that version.
llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
for tools in "$(rustc --print sysroot)"/lib/rustlib/*/bin "/usr/lib/llvm-$llvm/bin" ''; do
    [ ! -x "$tools/llvm-profdata" ] || break
done
[ -n "$tools" ] || fail "there is no llvm-profdata of LLVM $llvm: 'rustup component add llvm-tools', or Debian's package llvm-$llvm"

build=$top/tests/fuzz/target/coverage
# Without a sanitizer, and with no more speed than reading a corpus once asks for.
LLVM_PROFILE_FILE=/dev/null RUSTC_BOOTSTRAP=1 RUSTFLAGS='-Cinstrument-coverage --cfg fuzzing' CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0 \
    cargo build -q --manifest-path tests/fuzz/Cargo.toml --target-dir "$build"

profiles=$(mktemp -d "$top/target/coverage.XXXXXX")
trap 'rm -rf "$profiles"' EXIT
[ $# -gt 0 ] || set -- $(sed -n 's/^\([a-z0-9_]*\) .*/\1/p' tests/fuzz/parsers)
for target; do
    read -r -a said < <(sed -n "s/^$target //p" tests/fuzz/parsers) || fail "tests/fuzz/parsers says nothing of $target"
    files=() others=()
    for word in "${said[@]}"; do
        [[ $word == -* ]] && others+=("$word") || files+=("$word")
    done
    [ -d "tests/fuzz/corpus/$target" ] || { say "$target: there is no corpus" && continue; }
    rm -f "$profiles"/*
    # Files that it is to run, so many at once as a command line takes.
    find "tests/fuzz/corpus/$target" -type f -print0 |
        LLVM_PROFILE_FILE="$profiles/%p-%m.raw" xargs -0 -r -n 2000 "$build/debug/$target" >/dev/null 2>&1 || say "$target: an input fails"
    "$tools/llvm-profdata" merge -o "$profiles/all" "$profiles"/*.raw
    "$tools/llvm-cov" export -format=lcov -instr-profile "$profiles/all" "$build/debug/$target" "${files[@]/#/$top/src/}" |
        awk -v target="$target" -v others="${others[*]#-}" -v missed="${MISSED:-}" -F '[:,]' '
            # The lines of functions that are not for outside data: from their head to the brace below it.
            function leave_out(file, line, at, name, inside) {
                split("", left_out)
                while ((getline line < file) > 0) {
                    at++
                    if (match(line, /^ *(pub(\([a-z]*\))? )?fn [a-z0-9_]+/)) {
                        name = substr(line, RSTART, RLENGTH); sub(/.* /, "", name)
                        indent = line; sub(/[^ ].*/, "", indent)
                        inside = index(" " others " ", " " name " ")
                    }
                    if (inside) left_out[at]
                    if (line == indent "}") inside = 0
                }
                close(file)
            }
            $1 == "SF" { leave_out($2); file = $2; sub(/.*\/src\//, "", file) }
            $1 == "DA" && !($2 in left_out) { lines++; if ($3 > 0) reached++; else if (missed) print file ":" $2 }
            END { printf "%s %d of %d lines, %.1f %%\n", target, reached, lines, lines ? 100 * reached / lines : 0 }'
done
