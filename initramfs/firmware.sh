# The firmware of the initramfs: files that the profile's modules name, from a folder of the user's or from Debian's packages, and what
# their licences say. Sourced by build.sh after modules.sh.

# firmware_names MODULES_DIR — read what closure printed; print "FILE MODULE disk|flash" for each firmware file its modules name: flash
# where the card has its own and does with it
firmware_names() {
    local plan path kind file
    plan=$(cat)
    sed -n 's/^path //p' <<<"$plan" | while read -r path; do
        kind=disk
        ! grep -qxF "flash $path" <<<"$plan" || kind=flash
        /sbin/modinfo -F firmware "$1/$path" | while read -r file; do echo "$file $(basename "${path%.ko*}") $kind"; done
    done
}

# firmware_found FILE FOLDER — print the paths below FOLDER of what is called FILE, which may be a pattern, packed or not
firmware_found() {
    local ending
    for ending in '' .xz .zst; do
        (cd "$2" && compgen -G "$1$ending") || continue
        return
    done
}

# firmware_chosen OWN FOLDER… — read what firmware_names printed; print "take FOLDER PATH" for each file there is, OWN first and then the
# others, which cards marked flash get none of, and "absent FILE MODULE" for each that is nowhere. Of a family, whose names differ only
# in their versions, the newest that there is: drivers ask for the next when they do not find one.
firmware_chosen() {
    local own=$1 file module kind folder found path
    while read -r file module kind; do
        for folder; do
            [ -n "$folder" ] || continue
            [ "$kind" = disk ] || [ "$folder" = "$own" ] || continue
            found=$(firmware_found "$file" "$folder" | while read -r path; do echo "$folder $path"; done)
            [ -z "$found" ] || break
        done
        if [ -n "$found" ]; then
            sed "s|^|$file $module |" <<<"$found"
        elif [ "$kind" = disk ]; then
            echo "$file $module -"
        fi
        found=
    done | sort -V | awk '
        {
            family = $2 " " $1
            from = substr($0, length($1 $2) + 3) # a folder may have blanks in its name
            gsub(/[0-9]+(\.[0-9]+[a-z]?)+/, "#", family)
            # Versions rise from line to line; what is there goes before what is not.
            if (from != "-" && $1 != taken[family]) { taken[family] = $1; take[family] = "" }
            if (from != "-") take[family] = take[family] "take " from "\n"
            else absent[family] = "absent " $1 " " $2 "\n"
        }
        END {
            for (family in take) printf "%s", take[family]
            for (family in absent) if (!(family in take)) printf "%s", absent[family]
        }' | sort -u
}

# firmware_part MODULES_DIR OWN LICENCES OUT PROFILE_FILE… — the firmware for the profile's modules, and what its licences say into the folder
# LICENCES: FILES tells where each file is from, the texts are those of Debian's source packages, or lie in OWN. OWN is a folder like
# /lib/firmware, or nothing. OUT is empty and there is no LICENCES where the modules name no file that there is.
firmware_part() {
    local modules=$1 own=$2 licences=$3 out=$4 names chosen tree folder path plain packages=() row dir text
    local -A source=()
    shift 4
    names=$(listed "${arch:-x86_64}" "$@" | closure "$modules" | firmware_names "$modules" | sort -u)
    rm -rf "$licences"
    : >"$out"
    [ -n "$names" ] || return 0
    while read -r row; do
        dir=$(package $row any)
        source[$dir]=$(basename "$(dirname "$row")")
        packages+=("$dir/lib/firmware")
    done < <(grep -q ' disk$' <<<"$names" && rows firmware any)
    chosen=$(firmware_chosen "$own" "$own" "${packages[@]}" <<<"$names")
    tree=$(mktemp -d)
    mkdir -p "$licences" "$tree/lib/firmware"
    while read -r path; do
        folder=${path% *} path=${path##* }
        plain=$tree/lib/firmware/${path%.@(xz|zst)}
        mkdir -p "$(dirname "$plain")"
        # Plain, whoever packed it: not every kernel unpacks firmware, and the archive is packed as a whole.
        plain_module "$folder/$path" "$plain"
        if [ "$folder" = "$own" ]; then
            text='the builder'
            find "$own" -maxdepth 1 \( -iname 'LICEN[CS]E*' -o -name WHENCE -o -name COPYING \) -exec cp -L {} "$licences" \;
        else
            dir=${folder%/lib/firmware}
            text=$(sed -E 's/^([^_]+)_([^_]+)_.*/Debian, \1 \2/' "$dir/complete")
            cp "$dir"/usr/share/doc/*/copyright "$licences/${source[$dir]}.copyright"
        fi
        echo "$(sha256sum <"$plain" | cut -c -64)  ${path%.@(xz|zst)}  $text" >>"$licences/FILES"
    done < <(sed -n 's/^take //p' <<<"$chosen")
    say "firmware: $(grep -c '^take ' <<<"$chosen") files; found nowhere: $(sed -n 's/^absent \([^ ]*\) \(.*\)/\1 (\2)/p' <<<"$chosen" | xargs)"
    if [ -e "$licences/FILES" ]; then
        LC_ALL=C sort -k 2 -o "$licences/FILES" "$licences/FILES"
        find "$tree" -type d -exec chmod 755 {} +
        find "$tree" -type f -exec chmod 644 {} +
        chmod -R u=rwX,go=rX "$licences"
        archive "$tree" "$modules_stamp" "$out" --lzma2=preset=9e,dict=8MiB
    else
        rm -rf "$licences"
    fi
    rm -rf "$tree"
}
