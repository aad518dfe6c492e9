/* SPDX-License-Identifier: GPL-2.0-only */
/* How the codes of DeviceIoControl() are composed. */
#ifndef KS_WIN_WINIOCTL_H
#define KS_WIN_WINIOCTL_H

#include "windef.h"

#define CTL_CODE(device, function, method, access) \
	((DWORD)(device) << 16 | (access) << 14 | (function) << 2 | (method))

#define FILE_DEVICE_UNKNOWN 0x00000022
#define FILE_DEVICE_VIDEO 0x00000023
#define FILE_DEVICE_KS 0x0000002f
#define METHOD_BUFFERED 0
#define METHOD_IN_DIRECT 1
#define METHOD_OUT_DIRECT 2
#define METHOD_NEITHER 3
#define FILE_ANY_ACCESS 0
#define FILE_SPECIAL_ACCESS FILE_ANY_ACCESS
#define FILE_READ_ACCESS 1
#define FILE_WRITE_ACCESS 2

#endif /* KS_WIN_WINIOCTL_H */
