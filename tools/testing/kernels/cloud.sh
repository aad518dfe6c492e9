#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Like stock, but for virtual machines: it has few drivers, and no V4L2.
exec "${0%/*}/from-package" linux-image-6.12-cloud-amd64 linux-image-cloud-amd64 "$@"
