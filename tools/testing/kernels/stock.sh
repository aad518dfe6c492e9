#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's 6.12 kernel for bookworm. Image and headers are unpacked into the
# cache, not installed: the headers' package depends on the image's, and this
# machine's own boot set-up is none of our business.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
meta=linux-image-6.12-amd64

# The package that the meta package stands for now, with its version: P=V
image() {
    apt-cache --no-all-versions show $meta 2>/dev/null |
        sed -n 's/^Depends: \(linux-image-[^ ]*\) (= \([^)]*\)).*/\1=\2/p' | head -n 1
}

need_image() {
    package=$(image)
    if [ -z "$package" ]; then
        echo "apt knows no $meta: it is in Debian 12's security suite, bookworm-security," >&2
        echo "which must be among this machine's package sources." >&2
        exit 1
    fi
    release=${package#linux-image-}
    release=${release%%=*}
}

key() {
    local package sum
    package=$(image)
    [ -n "$package" ] || return 0
    package=${package#linux-image-}
    sum=$(declare -f make_in unpack_headers | sha256sum)
    echo "${package%%=*}_${package#*=}-${sum:0:8}" | sed 's/[^A-Za-z0-9.+~_-]/_/g'
}

# Downloads the packages $2... and unpacks them into the new directory $1.
unpack() {
    local deb
    mkdir "$1"
    (
        cd "$1"
        shift
        apt-get -q -o APT::Sandbox::User=root download "$@"
        for deb in ./*.deb; do
            dpkg-deb -x "$deb" .
            rm "$deb"
        done
    )
}

# The headers are three packages; what else they depend on is installed.
unpack_headers() {
    local version=${package#*=} depends p ours=("linux-headers-$release=${package#*=}") others=()
    depends=$(apt-cache show "${ours[0]}" | sed -n 's/^Depends: //p' | head -n 1)
    while read -r p _; do
        case $p in
        linux-headers-* | linux-kbuild-*) ours+=("$p=$version") ;;
        gcc-*) others+=("$p") ;;
        esac
    done < <(tr ',' '\n' <<<"$depends")
    unpack headers "${ours[@]}"
    "$here/../deps" "${others[@]}" libelf1 libssl3 pahole
    # The one absolute path in them
    # shellcheck disable=SC2016 # make's own words
    sed -i 's|^include /usr/src/|include $(dir $(realpath $(lastword $(MAKEFILE_LIST))))../|' \
        "headers/usr/src/linux-headers-$release/Makefile"
    ln -s "headers/usr/src/linux-headers-$release" kdir
}

make_in() {
    need_image
    cd "$1"
    echo "Downloading $package and its headers"
    unpack unpacked "$package"
    mv "unpacked/boot/vmlinuz-$release" vmlinuz
    mv "unpacked/boot/config-$release" config
    mkdir -p modules/lib
    mv unpacked/lib/modules modules/lib/
    rm -r unpacked
    depmod -b modules "$release"
    unpack_headers
    echo "$release" >release
}

case ${1:-} in
key) key ;;
refresh) "$here/../deps" --update kmod ;;
make) make_in "$2" ;;
*)
    echo "Usage: ${0##*/} key|refresh|make DIR (see get)" >&2
    exit 2
    ;;
esac
