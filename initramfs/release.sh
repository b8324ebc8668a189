# What is published: a directory with everything of one version in names that tell it apart. Sourced by build.sh. Equal input gives equal bytes.

# version — what Cargo.toml says
version() { sed -n 's/^version = "\(.*\)"$/\1/p' "$top/Cargo.toml" | head -n 1; }

# profiles — print the names of all there are
profiles() { (cd "$top/initramfs" && printf '%s\n' *.modules | sed 's/\.modules$//'); }

# changelog_entry VERSION — print what README.md says changed in it; fails when it says nothing
changelog_entry() {
    awk -v version="$1" '
        /^#/ { inside = ($0 ~ "^####? " version "( |$)") }
        inside { print; lines++ }
        END { exit lines < 2 }' "$top/README.md"
}

# named FROM INTO PREFIX — copy what lies in FROM into INTO under its release name: ironlet becomes PREFIX, ironlet.iso PREFIX.iso
named() {
    local file name
    for file in "$1"/ironlet.*; do
        name=${file##*/}
        case $name in
        *.sha256) ;; # of names that are no release's
        *) install -m 644 "$file" "$2/$3${name#ironlet}" ;;
        esac
    done
}

# release_of PROFILE ARCH OUT — build that, and put it into OUT with its bill of materials
release_of() {
    local profile=$1 arch=$2 out=$3 prefix parts kernel row loader loaders=() firmware=()
    prefix=ironlet-$(version)-$profile-$arch
    parts=target/release-parts/$profile-$arch
    rm -rf "$parts"
    build --profile "$profile" --arch "$arch" --out "$parts"
    media --arch "$arch" --out "$parts"
    while read -r loader; do
        loaders+=(--loader "$loader")
    done < <(loader_packages "$arch")
    install -m 755 "$parts/ironlet" "$out/ironlet-$(version)-$arch"
    named "$parts" "$out" "$prefix"
    # Metal3's downloader looks for the archive's own name in it, and iPXE for what lies beside its script.
    sed -i "s/ironlet\.\(kernel\|initramfs\)/$prefix.\1/g" "$out/$prefix.ipxe"
    media_archive "$parts/ironlet.kernel" "$parts/ironlet.initramfs" "$out/$prefix.tar.gz" "$prefix"
    install -m 644 "$parts/ironic-agent.tar.gz" "$out/$prefix-ironic-agent.tar.gz"
    kernel=$(debian_kernel "$(profile_kernel "initramfs/$profile.modules")" "$arch")
    # Whose firmware is in it, the finished archive tells.
    while read -r row; do
        firmware+=(--firmware "$(package $row any)")
    done < <([ ! -d "$parts/firmware-licences" ] || rows firmware any)
    python3 initramfs/release/sbom.py --version "$(version)" --profile "$profile" --arch "$arch" --kernel "$kernel" \
        "${firmware[@]}" "${loaders[@]}" --initramfs "$parts/ironlet.initramfs" "$out/$prefix".* >"$parts/sbom"
    mv "$parts/sbom" "$out/$prefix.cdx.json"
    packages_of_release+=(--package "$kernel" "${firmware[@]/#--firmware/--package}" "${loaders[@]/#--loader/--package}")
}

# release_texts OUT ARCH… — what belongs to all of it: manual page, changelog entry, licences
release_texts() {
    local out=$1 arch archs=()
    shift
    for arch; do
        archs+=(--arch "$arch")
    done
    cargo run --quiet --locked --example manual_page -- "$(date -u -d "@$SOURCE_DATE_EPOCH" '+%B %-d, %Y')" >"$out/ironlet.8"
    mandoc -T lint -W warning "$out/ironlet.8" || fail "the manual page is not as mdoc(7) has it"
    changelog_entry "$(version)" >"$out/CHANGES-$(version).md" || fail "README.md has no changelog entry for $(version)"
    install -m 644 "$top/LICENSE" "$out/LICENSE"
    python3 initramfs/release/notices.py "${archs[@]}" "${packages_of_release[@]}" >"$out/THIRD-PARTY-NOTICES.txt"
    python3 -B initramfs/release/supply_chain.py >"$out/CRATES.txt"
}

# sums OUT — a sum beside each of the artefacts, as downloaders ask for it, and one file of all
sums() {
    (
        cd "$1"
        for file in *.{kernel,initramfs,iso,img,efi,ipxe,tar.gz}; do
            sha256sum "$file" >"$file.sha256"
        done
        sha256sum -- * >SHA256SUMS
    )
}
