#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The newest kernel that Debian has packaged: the one in the backports suite now. Image and
# modules are unpacked into the cache. The headers need the compiler of their release, so
# they are installed in a root file system of that release, in the same directory. The
# package lists are separate ones, so that the package sources of this machine do not change.
set -eu
set -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
release=trixie
suite=$release-backports
meta=linux-image-amd64
# The headers depend on the compiler
tools=make,kmod,binutils
lists=${KSALLOC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ksalloc}/apt-$suite

# shellcheck source=tools/testing/kernels/private-apt
. "$here/private-apt"
# shellcheck source=tools/testing/kernels/packages
. "$here/packages"

apt_run() {
    apt_ours "$@"
}

refresh() {
    if ! command -v apt-get >/dev/null; then
        echo "This kernel is downloaded from Debian's backports with apt-get, which is not here." >&2
        exit 1
    fi
    "$here/../deps" --update mmdebstrap uidmap debian-archive-keyring kmod make
    update_lists $suite || echo "Going on with the lists of $suite as they are" >&2
    if [ -z "$(image)" ]; then
        echo "None of this machine's package sources has $suite for amd64." >&2
        exit 1
    fi
}

image() {
    [ ! -e "$lists/mirror" ] || image_of $meta
}

# Updates the lists once a week, because the suite gets new kernels
look_again() {
    [ -n "$(find "$lists/mirror" -mtime +6 2>/dev/null)" ] || return 0
    update_lists $suite -o Acquire::http::Timeout=5 2>/dev/null || touch "$lists/mirror"
}

key() {
    local package sum
    look_again
    package=$(image)
    [ -n "$package" ] || return 0
    sum=$({ echo $tools && declare -f build unpack_image chroot_of; } | sha256sum)
    key_of "$package" "$sum"
}

# Makes the root file system with the headers of kernel $2, in $1/root
chroot_of() {
    local dir=$1 kernel=$2 mirror
    mirror=$(cat "$lists/mirror")
    mkdir "$dir/root"
    apt-config dump | grep -iE '^Acquire::(https?::|Retries|Check)' >"$dir/apt.conf" || :
    sources "$mirror" "$release $suite" >"$dir/suite.sources"
    # Made as an archive and then unpacked, so that the caller owns all files
    mmdebstrap --quiet --variant=minbase --architectures=amd64 --aptopt="$dir/apt.conf" \
        --include="linux-headers-$kernel,$tools" \
        $release - "$dir/suite.sources" |
        tar -x --no-same-owner --exclude='./dev/*' -C "$dir/root"
    rm "$dir/apt.conf" "$dir/suite.sources"

    ln -s "root/usr/src/linux-headers-$kernel" "$dir/kdir"
    # Does not use chroot: paths that are not in /usr or /etc must stay the same
    cat >"$dir/make" <<'MAKE'
#!/bin/sh
# make -C kdir, with the compiler that the headers ask for: seen from here, /usr
# and /etc are those of the system in root/.
dir=$(dirname "$(readlink -f "$0")")
case ${1:-} in
--inside)
    shift
    mount --bind "$dir/root/etc" /etc && mount --bind "$dir/root/usr" /usr || exit
    PATH=/usr/sbin:/usr/bin LC_ALL=C exec make -C "/usr/src/linux-headers-$(cat "$dir/release")" "$@"
    ;;
esac
for arg; do
    case $arg in
    M=/usr/* | M=/etc/*)
        echo "A module below /usr or /etc cannot be built here: ${arg#M=}" >&2
        exit 2
        ;;
    esac
done
[ "$(id -u)" = 0 ] && user= || user=--map-root-user
exec unshare $user --mount -- "$dir/make" --inside "$@"
MAKE
    chmod +x "$dir/make"
}

build() {
    local dir=$1 package kernel
    package=$(image)
    kernel=${package%%=*}
    kernel=${kernel#linux-image-}
    echo "Downloading $package"
    unpack_image "$dir" "$kernel" "${package#*=}"
    echo "Making a $release system with the headers of $kernel"
    chroot_of "$dir" "$kernel"
    echo "$kernel" >"$dir/release"
}

# Name of the source package, URI and suite of its archive
source_package() {
    local package
    package=$(image)
    [ -n "$package" ] || return 0
    apt_ours apt-cache --no-all-versions show "linux-headers-${package#linux-image-}" |
        sed -n "s|^Source: \([^ ]*\).*|\1 $(cat "$lists/mirror") $suite|p" | head -n 1
}

case ${1:-} in
key) key ;;
refresh) refresh ;;
source) source_package ;;
make) build "$2" ;;
*)
    echo "Usage: ${0##*/} key|refresh|source|make DIR (see get)" >&2
    exit 2
    ;;
esac
