#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The kernel with everything in it that finds mistakes: see debug.config.
#
# Those who look for mistakes themselves are not looked at: kmemleak, which reads all
# memory that is in use, after each suite; lockdep, debugobjects, and what finds out who
# called whom for them. They look at little else than their own tables, and all the time.
vars=
for checker in kmemleak lockdep debugobjects unwind_frame; do
    vars="$vars KASAN_SANITIZE_$checker.o=n UBSAN_SANITIZE_$checker.o=n"
done
# shellcheck disable=SC2086 # words
exec "${0%/*}/from-source" debug $vars "$@"
