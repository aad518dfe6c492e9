#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The kernel of the Debian release that this machine has; on Debian 12, whose own is 6.1,
# the 6.12 that it has beside that.
exec "${0%/*}/from-package" linux-image-6.12-amd64 linux-image-amd64 "$@"
