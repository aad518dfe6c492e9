/* SPDX-License-Identifier: GPL-2.0-only */
/* In Windows, this file has the codes of winioctl.h without those of disks. */
#include "winioctl.h"
