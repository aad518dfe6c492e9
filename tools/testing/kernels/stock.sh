#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's 6.12 kernel for bookworm. The image is unpacked into the cache, not
# installed: this machine's own boot set-up is none of our business. The headers
# have absolute paths in them and are installed.
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
    image | sed 's/^linux-image-//; s/[^A-Za-z0-9.+=~-]/_/g; s/=/_/'
}

make_in() {
    need_image
    cd "$1"
    echo "Downloading $package"
    mkdir unpacked
    (cd unpacked && apt-get -q -o APT::Sandbox::User=root download "$package" && dpkg -x ./*.deb .)
    mv "unpacked/boot/vmlinuz-$release" vmlinuz
    mv "unpacked/boot/config-$release" config
    mkdir -p modules/lib
    mv unpacked/lib/modules modules/lib/
    rm -r unpacked
    echo "$release" >release
    depmod -b modules "$release"

    "$here/../deps" "linux-headers-$release"
    ln -s "/usr/src/linux-headers-$release" kdir
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
