#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The kernel with everything in it that finds mistakes: see debug.config. kmemleak
# reads all memory that is in use, after each suite; KASAN need not check that.
exec "${0%/*}/from-source" debug KASAN_SANITIZE_kmemleak.o=n UBSAN_SANITIZE_kmemleak.o=n "$@"
