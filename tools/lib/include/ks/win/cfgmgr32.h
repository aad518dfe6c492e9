/* SPDX-License-Identifier: GPL-2.0-only */
/* Another way to find the devices of setupapi.h: a list of paths of interfaces. */
#ifndef KS_WIN_CFGMGR32_H
#define KS_WIN_CFGMGR32_H

#include "windef.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef DWORD CONFIGRET;
typedef CHAR *DEVINSTID_A;
typedef WCHAR *DEVINSTID_W;

#define CR_SUCCESS 0x00000000
#define CR_DEFAULT 0x00000001
#define CR_OUT_OF_MEMORY 0x00000002
#define CR_INVALID_POINTER 0x00000003
#define CR_INVALID_FLAG 0x00000004
#define CR_NO_SUCH_DEVNODE 0x0000000d
#define CR_FAILURE 0x00000013
#define CR_BUFFER_SMALL 0x0000001a
#define CR_INVALID_DATA 0x0000001f
#define CR_NO_SUCH_DEVICE_INTERFACE 0x00000037

#define CM_GET_DEVICE_INTERFACE_LIST_PRESENT 0x00000000
#define CM_GET_DEVICE_INTERFACE_LIST_ALL_DEVICES 0x00000001

/*
 * The list has the paths of all interfaces of this category, each with a zero at its end, and
 * one more zero. Sizes are in characters.
 *
 * @category is not changed. @device is an instance ID, or NULL for all devices.
 */
CONFIGRET WINAPI CM_Get_Device_Interface_List_SizeA(PULONG size, LPGUID category,
						    DEVINSTID_A device, ULONG flags);
CONFIGRET WINAPI CM_Get_Device_Interface_List_SizeW(PULONG size, LPGUID category,
						    DEVINSTID_W device, ULONG flags);
#define CM_Get_Device_Interface_List_Size KS_WIN_NAME(CM_Get_Device_Interface_List_Size)

CONFIGRET WINAPI CM_Get_Device_Interface_ListA(LPGUID category, DEVINSTID_A device,
					       PCHAR buffer, ULONG size, ULONG flags);
CONFIGRET WINAPI CM_Get_Device_Interface_ListW(LPGUID category, DEVINSTID_W device,
					       PWCHAR buffer, ULONG size, ULONG flags);
#define CM_Get_Device_Interface_List KS_WIN_NAME(CM_Get_Device_Interface_List)

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_CFGMGR32_H */
