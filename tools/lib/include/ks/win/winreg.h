/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys of the registry: those of SetupDiOpenDeviceInterfaceRegKey() and SetupDiOpenDevRegKey(),
 * with the value FriendlyName. The roots have no keys: RegOpenKeyEx() returns
 * ERROR_FILE_NOT_FOUND.
 */
#ifndef KS_WIN_WINREG_H
#define KS_WIN_WINREG_H

#include "winnt.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef LONG LSTATUS;

#define KS_WIN_ROOT_KEY(number) ((HKEY)(LONG_PTR)(LONG)(number))
#define HKEY_CLASSES_ROOT KS_WIN_ROOT_KEY(0x80000000)
#define HKEY_CURRENT_USER KS_WIN_ROOT_KEY(0x80000001)
#define HKEY_LOCAL_MACHINE KS_WIN_ROOT_KEY(0x80000002)
#define HKEY_USERS KS_WIN_ROOT_KEY(0x80000003)
#define HKEY_CURRENT_CONFIG KS_WIN_ROOT_KEY(0x80000005)

LSTATUS WINAPI RegOpenKeyExA(HKEY key, LPCSTR name, DWORD options, REGSAM access,
			     PHKEY opened);
LSTATUS WINAPI RegOpenKeyExW(HKEY key, LPCWSTR name, DWORD options, REGSAM access,
			     PHKEY opened);
#define RegOpenKeyEx KS_WIN_NAME(RegOpenKeyEx)

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
