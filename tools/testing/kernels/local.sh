#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A kernel that is installed on this machine: the running one, or KSALLOC_LOCAL=RELEASE. For
# distributions that do not have Debian's packages.
set -eu

release=${KSALLOC_LOCAL:-$(uname -r)}
tree=/lib/modules/$release

fail() {
    echo "$*" >&2
    exit 1
}

# Distributions install the image in one of these places
image() {
    local file
    for file in "$tree/vmlinuz" "/boot/vmlinuz-$release" /boot/vmlinuz-linux; do
        if [ -e "$file" ]; then
            echo "$file"
            return
        fi
    done
}

config() {
    local file
    for file in "$tree/build/.config" "$tree/config" "/boot/config-$release"; do
        if [ -r "$file" ]; then
            echo "$file"
            return
        fi
    done
}

key() {
    local file
    file=$(image)
    [ -z "$file" ] || echo "${release}_$(stat -c %Y "$file")" | sed 's/[^A-Za-z0-9.+~_-]/_/g'
}

refresh() {
    local file
    file=$(image)
    [ -n "$file" ] || fail "Kernel $release has no image in $tree or /boot."
    [ -r "$file" ] || fail "Only root can read $file."
    [ -e "$tree/build/Makefile" ] || fail "Kernel $release has no headers here: $tree/build is missing."
    [ -n "$(config)" ] || fail "The configuration of kernel $release is not in any of the usual places."
}

make_in() {
    cp -L "$(image)" "$1/vmlinuz"
    cp -L "$(config)" "$1/config"
    mkdir -p "$1/modules/lib/modules"
    ln -s "$tree" "$1/modules/lib/modules/$release"
    ln -s "$tree/build" "$1/kdir"
    echo "$release" >"$1/release"
}

case ${1:-} in
key) key ;;
refresh) refresh ;;
make) make_in "$2" ;;
*)
    echo "Usage: ${0##*/} key|refresh|make DIR (see get)" >&2
    exit 2
    ;;
esac
