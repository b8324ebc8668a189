# From a readable list to the reduced /lib/modules/VERSION of the initramfs. Sourced by build.sh.

# listed ARCH PROFILE_FILE… — the lists for an architecture with their comments gone and their includes read: lines of "kernel KIND" or
# "[+?]name [words as in the list]"
listed() {
    local arch=$1 file dir word rest
    shift
    for file; do
        dir=$(dirname "$file")
        sed 's/#.*//' "$file" | while read -r word rest; do
            case $word in
            '') ;;
            include)
                read -r word rest <<<"$rest"
                [ -n "$rest" ] && [ "$rest" != "$arch" ] || listed "$arch" "$dir/$word" | grep -v '^kernel '
                ;;
            kernel) echo "kernel $rest" ;;
            *)
                case " $rest " in
                *" $arch "*) ;;
                *' x86_64 '* | *' aarch64 '*) continue ;;
                esac
                echo $word ${rest/$arch/}
                ;;
            esac
        done
    done
}

# profile_kernel PROFILE_FILE — which kernel of Debian's the profile boots
profile_kernel() { listed x86_64 "$1" | sed -n 's/^kernel //p'; }

# closure MODULES_DIR — read listed lines; print "path FILE" for each module file in the closure, "flash FILE" for
# those whose cards have their own firmware, "force NAME" for those always loaded, "absent NAME" for optional ones this kernel lacks, "missing NAME" for required ones.
closure() {
    awk -v dir="$1" '
        function plain(path) { sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path); return path }
        function take(path,   n, i, parts) {
            if (path in taken) return
            taken[path] = 1
            print "path " path
            n = split(needs[path], parts, " ")
            for (i = 1; i <= n; i++) take(parts[i])
        }
        BEGIN {
            while ((getline line < (dir "/modules.dep")) > 0) {
                colon = index(line, ":")
                path = substr(line, 1, colon - 1)
                needs[path] = substr(line, colon + 1)
                file[plain(path)] = path
            }
            while ((getline line < (dir "/modules.builtin")) > 0) builtin[plain(line)] = 1
        }
        /^kernel / { next }
        {
            flash = beside = ""
            for (i = 2; i <= NF; i++) {
                if ($i == "flash") flash = 1
                if ($i == "with") beside = plain($(++i))
            }
            if (beside != "" && !(beside in file) && !(beside in builtin)) next
            name = $1
            force = gsub(/\+/, "", name)
            optional = gsub(/\?/, "", name)
            key = name
            gsub(/-/, "_", key)
            if (key in file) { take(file[key]); if (flash) print "flash " file[key]; if (force && !forced[key]++) print "force " key }
            else if (!(key in builtin)) print (optional ? "absent " : "missing ") name
        }'
}

# plain_module FILE OUT — copy a module, decompressed: the initramfs is compressed as a whole, which packs better
plain_module() {
    case $1 in
    *.zst) zstd -qdc "$1" >"$2" ;;
    *.xz) xz -dc "$1" >"$2" ;;
    *.gz) gzip -dc "$1" >"$2" ;;
    *) cp "$1" "$2" ;;
    esac
}

# module_tree ARCH MODULES_DIR TREE PROFILE_FILE… — fill TREE/lib/modules/VERSION for the profile, and lists beside it, from MODULES_DIR
module_tree() {
    local arch=$1 modules=$2 tree=$3 version plan into path
    shift 3
    version=$(basename "$modules")
    into=$tree/lib/modules/$version
    plan=$(listed "$arch" "$@" | closure "$modules")
    if grep -q '^missing ' <<<"$plan"; then
        fail "the kernel $version lacks $(sed -n 's/^missing //p' <<<"$plan" | xargs): mark them ? in $* or choose another kernel"
    fi
    mkdir -p "$into"
    sed -n 's/^path //p' <<<"$plan" | sort | while read -r path; do
        mkdir -p "$into/$(dirname "$path")"
        plain_module "$modules/$path" "$into/${path%.ko*}.ko"
    done
    cp "$modules"/modules.{builtin,order} "$into"
    [ ! -e "$modules/modules.builtin.modinfo" ] || cp "$modules/modules.builtin.modinfo" "$into"
    /sbin/depmod -b "$tree" "$version"
    # depmod writes more than the agent reads; its order follows the directory's, which is not the same everywhere.
    find "$into" -maxdepth 1 -type f ! -name modules.dep ! -name modules.alias -delete
    LC_ALL=C sort -o "$into/modules.dep" "$into/modules.dep"
    LC_ALL=C sort -o "$into/modules.alias" "$into/modules.alias"
    sed -n 's/^force //p' <<<"$plan" >"$into/modules.force"
    # Bytes of all modules, each up to the end of its last page: what is still to come if the kernel cannot unpack them all.
    find "$into" -name '*.ko' -printf '%s\n' | awk '{ sum += int(($1 + 4095) / 4096) * 4096 } END { print sum + 0 }' >"$into/modules.size"
    say "modules: $(grep -c '^path ' <<<"$plan") of kernel $version$(sed -n 's/^absent //p' <<<"$plan" | xargs | sed 's/^./; not in this kernel: &/')"
}
