#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The debug kernel for arm64: see arm64-debug.config. It has dma-buf heaps.
exec "${0%/*}/from-source" --arm64 arm64-debug base.config checks.config debug.config \
    arm64-debug.config "$@"
