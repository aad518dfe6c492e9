#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The newest kernel that Debian has packaged: the one in the backports suite now.
exec "${0%/*}/from-backports" newest "$@"
