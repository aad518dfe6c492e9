#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The kernel of the Debian release that this machine runs. Debian 12 has 6.1 by default; there,
# this is its optional kernel 6.12.
exec "${0%/*}/from-package" linux-image-6.12-amd64 linux-image-amd64 "$@"
