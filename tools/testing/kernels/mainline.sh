#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A kernel without the patches and the configuration of a distribution.
exec "${0%/*}/from-source" --upstream mainline base.config mainline.config "$@"
