#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Like stock, but with PREEMPT_RT: spinlocks can sleep, and interrupt handlers are threads.
exec "${0%/*}/from-package" linux-image-6.12-rt-amd64 linux-image-rt-amd64 "$@"
