#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Like arm64, but with pages of 16 KiB.
exec "${0%/*}/from-foreign" linux-image-6.12-arm64-16k linux-image-arm64-16k "$@"
