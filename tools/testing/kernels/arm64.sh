#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Debian's kernel for arm64, with pages of 4 KiB and without dma-buf heaps.
exec "${0%/*}/from-foreign" linux-image-6.12-arm64 linux-image-arm64 "$@"
