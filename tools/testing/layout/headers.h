/* SPDX-License-Identifier: GPL-2.0-only */
/* The headers that are compared: those of Windows, or those of libkswin. */
#include <windows.h>
#ifdef _WIN32
/* windows.h has a few of these itself, and ntstatus.h has all */
#undef STATUS_PENDING
#undef STATUS_ACCESS_VIOLATION
#undef STATUS_INVALID_HANDLE
#undef STATUS_INVALID_PARAMETER
#undef STATUS_NO_MEMORY
#include <ntstatus.h>
#endif
#include <winioctl.h>
#include <ks.h>
#include <ksmedia.h>
#include <ksproxy.h>
