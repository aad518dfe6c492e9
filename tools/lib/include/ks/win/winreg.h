/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys of the registry: only those of SetupDiOpenDeviceInterfaceRegKey() and
 * SetupDiOpenDevRegKey(), with the value FriendlyName.
 */
#ifndef KS_WIN_WINREG_H
#define KS_WIN_WINREG_H

#include "winnt.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef LONG LSTATUS;

LSTATUS WINAPI RegQueryValueExA(HKEY key, LPCSTR name, LPDWORD reserved, LPDWORD type,
				LPBYTE data, LPDWORD size);
LSTATUS WINAPI RegQueryValueExW(HKEY key, LPCWSTR name, LPDWORD reserved, LPDWORD type,
				LPBYTE data, LPDWORD size);
#define RegQueryValueEx KS_WIN_NAME(RegQueryValueEx)
LSTATUS WINAPI RegCloseKey(HKEY key);

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_WINREG_H */
