# What `./build.sh test` consists of: parts run one after the other, but for one, each with its own log and one line of result.
# Sourced by build.sh.

logs=target/logs
passed=0
failed=0

# counted LOG STATUS — print "PASSED FAILED": the sums of what the part's own harnesses counted, which cargo tells as
# "N passed; N failed", conformance, components and lab as "N of N tests" or "scenarios"; a part that counts nothing is one test
counted() {
    awk -v status="$2" '
        match($0, /[0-9]+ passed[;,] [0-9]+ failed/) {
            split(substr($0, RSTART, RLENGTH), word, " ")
            good += word[1]
            bad += word[3]
            seen = 1
        }
        match($0, /[0-9]+ of [0-9]+ (tests|scenarios) /) {
            split(substr($0, RSTART, RLENGTH), word, " ")
            good += word[1]
            bad += word[3] - word[1]
            seen = 1
        }
        END {
            if (!seen) good = (status == 0)
            if (status != 0 && !bad) bad = 1
            print good + 0, bad + 0
        }' "$1"
}

# part NAME COMMAND… — run one part
part() {
    local name=$1 log=$logs/$1.log started=$SECONDS status=0 good bad
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    read -r good bad < <(counted "$log" "$status")
    passed=$((passed + good))
    failed=$((failed + bad))
    if [ "$status" = 0 ] && [ "$bad" = 0 ]; then
        printf 'ok      %-14s %5d s  %d passed\n' "$name" $((SECONDS - started)) "$good"
    else
        printf 'FAILED  %-14s %5d s  %d passed, %d failed, exit code %d; %s ends:\n' \
            "$name" $((SECONDS - started)) "$good" "$bad" "$status" "$log"
        tail -n 40 "$log" | sed 's/^/        /'
    fi
}

# beside NAME COMMAND… — one part while the next ones run, for one that leaves a processor to them; `awaited NAME` counts and tells of it
beside() {
    rm -f "$logs/$1.counts"
    (
        passed=0 failed=0
        part "$@"
        echo "$passed $failed" >"$logs/$1.counts"
    ) >"$logs/$1.result" &
    aside=$!
}

awaited() {
    local good=0 bad=1
    wait "$aside" || true
    cat "$logs/$1.result"
    [ ! -f "$logs/$1.counts" ] || read -r good bad <"$logs/$1.counts"
    passed=$((passed + good))
    failed=$((failed + bad))
}

# The same sources in another directory, built from nothing, give the same files. One chain of &&: `set -e` does not hold in a
# function whose result somebody tests.
reproducible() {
    local again=target/again
    rm -rf "$again" &&
        mkdir -p "$again/target/tools" &&
        tar -c --exclude=./target --exclude=./tests/fuzz/target --exclude=./dist --exclude=./.git . | tar -x -C "$again" &&
        # Debian's packages are input, not something built: no need to fetch them twice.
        ln -s "$top/target/tools/packages" "$again/target/tools/packages" &&
        SOURCE_DATE_EPOCH=$(source_date) IRONLET_COMMIT=$(commit) "$again/build.sh" &&
        diff dist/SHA256SUMS "$again/dist/SHA256SUMS" &&
        ./build.sh media && SOURCE_DATE_EPOCH=$(source_date) "$again/build.sh" media &&
        diff <(cat dist/*.sha256) <(cat "$again"/dist/*.sha256) &&
        rm -rf "$again"
}

# Cargo's tests in files of their own, without those `check` has run. Some want loop devices and namespaces, so root runs them, but
# builds nothing; what it leaves behind is the caller's.
rooms() {
    local file name status=0 tests=()
    for file in tests/*.rs; do
        name=$(basename "$file" .rs)
        [[ $name == @(layers|scripts) ]] || tests+=(--test "$name")
    done
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='initramfs/host.sh as_root' cargo test --locked --no-fail-fast "${tests[@]}" || status=$?
    as_root_here true && return "$status"
}

all_parts() {
    local started=$SECONDS
    mkdir -p "$logs"
    part check ./build.sh check
    need rust_tests
    part rooms rooms
    part build ./build.sh
    part sizes sizes vm
    part reproducible reproducible
    part conformance ./build.sh conformance
    part contract ./build.sh contract
    # Each has one machine at a time, which takes one processor; what they have of dist/ nobody builds anew meanwhile.
    need rust build machine
    beside identity tests/identity/run
    part hardware tests/hardware/run
    part aarch64 ./build.sh aarch64
    awaited identity
    part media ./build.sh media-test
    part components ./build.sh components
    part logins tests/rescue/run
    part siege ./build.sh siege --short
    part crash tests/crash/run 10000
    part demo ./build.sh demo
    part lab ./build.sh lab
    printf '%d minutes\n' $(((SECONDS - started + 59) / 60))
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}
