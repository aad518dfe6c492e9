#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The kernel that finds data races in a module: see kcsan.config.
exec "${0%/*}/from-source" kcsan base.config checks.config kcsan.config \
    KCSAN_SANITIZE=n "$@"
