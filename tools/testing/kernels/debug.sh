#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The kernel with everything in it that finds mistakes: see debug.config.
exec "${0%/*}/from-source" debug "$@"
