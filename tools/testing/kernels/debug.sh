#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The kernel with the checks for bugs: see debug.config.
#
# KASAN and UBSAN do not instrument the checkers themselves: kmemleak, lockdep, debugobjects
# and the stack unwinder that they call. These run often and take most of the time (kmemleak
# reads all used memory in each scan), and they access little but their own tables.
vars=
for checker in kmemleak lockdep debugobjects unwind_frame; do
    vars="$vars KASAN_SANITIZE_$checker.o=n UBSAN_SANITIZE_$checker.o=n"
done
# shellcheck disable=SC2086 # words
exec "${0%/*}/from-source" debug base.config checks.config debug.config $vars "$@"
