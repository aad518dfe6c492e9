/* SPDX-License-Identifier: GPL-2.0-only */
/* The headers that are compared: those of Windows, or those of libkswin. */
#include <windows.h>
#ifndef _WIN32
/* For types that Windows' headers have only in C++ */
#define __STREAMS__
#else
/* windows.h has a few of these itself, and ntstatus.h has all */
#undef STATUS_PENDING
#undef STATUS_ACCESS_VIOLATION
#undef STATUS_DATATYPE_MISALIGNMENT
#undef STATUS_INTEGER_OVERFLOW
#undef STATUS_INVALID_HANDLE
#undef STATUS_INVALID_PARAMETER
#undef STATUS_NO_MEMORY
#undef STATUS_DLL_NOT_FOUND
#undef STATUS_ENTRYPOINT_NOT_FOUND
#undef STATUS_TIMEOUT
#undef STATUS_ABANDONED_WAIT_0
#endif
#include <ntstatus.h>
#include <winternl.h>
#include <basetsd.h>
#include <winioctl.h>
#include <devioctl.h>
#include <mmsystem.h>
#include <setupapi.h>
#include <cfgmgr32.h>
#include <combaseapi.h>
#include <tchar.h>
#include <ks.h>
#include <ksmedia.h>
#include <ksproxy.h>
