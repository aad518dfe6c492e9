/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions that find devices. The library knows one kind: V4L2 nodes that capture video.
 * Each is in the categories KSCATEGORY_CAPTURE, KSCATEGORY_VIDEO and KSCATEGORY_VIDEO_CAMERA.
 *
 * The path of an interface is made of what sysfs says about the device, and not of the number
 * of its node. It is the same while the device is plugged in, and CreateFile() opens it.
 */
#ifndef KS_WIN_SETUPAPI_H
#define KS_WIN_SETUPAPI_H

#include "winbase.h"
#include "winreg.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef PVOID HDEVINFO;

#define DIGCF_DEFAULT 0x00000001
#define DIGCF_PRESENT 0x00000002
#define DIGCF_ALLCLASSES 0x00000004
#define DIGCF_PROFILE 0x00000008
#define DIGCF_DEVICEINTERFACE 0x00000010
#define DIGCF_INTERFACEDEVICE DIGCF_DEVICEINTERFACE

#define SPINT_ACTIVE 0x00000001
#define SPINT_DEFAULT 0x00000002
#define SPINT_REMOVED 0x00000004

#define SPDRP_DEVICEDESC 0x00000000
#define SPDRP_HARDWAREID 0x00000001
#define SPDRP_SERVICE 0x00000004
#define SPDRP_CLASS 0x00000007
#define SPDRP_MFG 0x0000000b
#define SPDRP_FRIENDLYNAME 0x0000000c
#define SPDRP_LOCATION_INFORMATION 0x0000000d
#define SPDRP_ENUMERATOR_NAME 0x00000016

#define DICS_FLAG_GLOBAL 0x00000001
#define DIREG_DEV 0x00000001
#define DIREG_DRV 0x00000002

#define ERROR_INVALID_CLASS 0xe0000206u
#define ERROR_DEVINFO_NOT_REGISTERED 0xe0000208u
#define ERROR_NO_SUCH_DEVINST 0xe000020bu
#define ERROR_NO_SUCH_DEVICE_INTERFACE 0xe0000225u

typedef struct _SP_DEVINFO_DATA {
	DWORD cbSize;
	GUID ClassGuid;
	DWORD DevInst;
	ULONG_PTR Reserved;
} SP_DEVINFO_DATA, *PSP_DEVINFO_DATA;

typedef struct _SP_DEVICE_INTERFACE_DATA {
	DWORD cbSize;
	GUID InterfaceClassGuid;
	DWORD Flags;
	ULONG_PTR Reserved;
} SP_DEVICE_INTERFACE_DATA, *PSP_DEVICE_INTERFACE_DATA;

typedef SP_DEVICE_INTERFACE_DATA SP_INTERFACE_DEVICE_DATA, *PSP_INTERFACE_DEVICE_DATA;

/* In Windows these arrays have one element. So they are not flexible arrays */
#define KS_WIN_FIRST_CHAR 1

#pragma pack(push, 8)
typedef struct _SP_DEVICE_INTERFACE_DETAIL_DATA_A {
	DWORD cbSize;
	CHAR DevicePath[KS_WIN_FIRST_CHAR];
} SP_DEVICE_INTERFACE_DETAIL_DATA_A, *PSP_DEVICE_INTERFACE_DETAIL_DATA_A;

typedef struct _SP_DEVICE_INTERFACE_DETAIL_DATA_W {
	DWORD cbSize;
	WCHAR DevicePath[KS_WIN_FIRST_CHAR];
} SP_DEVICE_INTERFACE_DETAIL_DATA_W, *PSP_DEVICE_INTERFACE_DETAIL_DATA_W;
#pragma pack(pop)

typedef SP_DEVICE_INTERFACE_DETAIL_DATA_A SP_INTERFACE_DEVICE_DETAIL_DATA_A;
typedef SP_DEVICE_INTERFACE_DETAIL_DATA_W SP_INTERFACE_DEVICE_DETAIL_DATA_W;
#define SP_DEVICE_INTERFACE_DETAIL_DATA KS_WIN_NAME(SP_DEVICE_INTERFACE_DETAIL_DATA_)
#define PSP_DEVICE_INTERFACE_DETAIL_DATA KS_WIN_NAME(PSP_DEVICE_INTERFACE_DETAIL_DATA_)
#define SP_INTERFACE_DEVICE_DETAIL_DATA SP_DEVICE_INTERFACE_DETAIL_DATA
#define PSP_INTERFACE_DEVICE_DETAIL_DATA PSP_DEVICE_INTERFACE_DETAIL_DATA

/**
 * SetupDiGetClassDevsA() - find devices
 * @category: the category of interfaces; NULL for all, with DIGCF_ALLCLASSES
 * @enumerator: NULL for any, or the beginning of the path: "USB" for instance
 * @window: not used
 * @flags: DIGCF_DEVICEINTERFACE, DIGCF_PRESENT
 *
 * Return: a set, which is empty if there is no such device, or INVALID_HANDLE_VALUE.
 */
HDEVINFO WINAPI SetupDiGetClassDevsA(const GUID *category, PCSTR enumerator, HWND window,
				     DWORD flags);
HDEVINFO WINAPI SetupDiGetClassDevsW(const GUID *category, PCWSTR enumerator, HWND window,
				     DWORD flags);
#define SetupDiGetClassDevs KS_WIN_NAME(SetupDiGetClassDevs)

BOOL WINAPI SetupDiEnumDeviceInfo(HDEVINFO set, DWORD index, PSP_DEVINFO_DATA device);
BOOL WINAPI SetupDiEnumDeviceInterfaces(HDEVINFO set, PSP_DEVINFO_DATA device,
					const GUID *category, DWORD index,
					PSP_DEVICE_INTERFACE_DATA interface_data);
BOOL WINAPI SetupDiGetDeviceInterfaceAlias(HDEVINFO set,
					   PSP_DEVICE_INTERFACE_DATA interface_data,
					   const GUID *category,
					   PSP_DEVICE_INTERFACE_DATA alias);

/* The path. cbSize of @detail is the size of the structure, not of the memory */
BOOL WINAPI SetupDiGetDeviceInterfaceDetailA(HDEVINFO set,
					     PSP_DEVICE_INTERFACE_DATA interface_data,
					     PSP_DEVICE_INTERFACE_DETAIL_DATA_A detail,
					     DWORD size, PDWORD required,
					     PSP_DEVINFO_DATA device);
BOOL WINAPI SetupDiGetDeviceInterfaceDetailW(HDEVINFO set,
					     PSP_DEVICE_INTERFACE_DATA interface_data,
					     PSP_DEVICE_INTERFACE_DETAIL_DATA_W detail,
					     DWORD size, PDWORD required,
					     PSP_DEVINFO_DATA device);
#define SetupDiGetDeviceInterfaceDetail KS_WIN_NAME(SetupDiGetDeviceInterfaceDetail)

/* SPDRP_FRIENDLYNAME and others of those above */
BOOL WINAPI SetupDiGetDeviceRegistryPropertyA(HDEVINFO set, PSP_DEVINFO_DATA device,
					      DWORD property, PDWORD type, PBYTE buffer,
					      DWORD size, PDWORD required);
BOOL WINAPI SetupDiGetDeviceRegistryPropertyW(HDEVINFO set, PSP_DEVINFO_DATA device,
					      DWORD property, PDWORD type, PBYTE buffer,
					      DWORD size, PDWORD required);
#define SetupDiGetDeviceRegistryProperty KS_WIN_NAME(SetupDiGetDeviceRegistryProperty)

/* Sizes are in characters */
BOOL WINAPI SetupDiGetDeviceInstanceIdA(HDEVINFO set, PSP_DEVINFO_DATA device, PSTR id,
					DWORD size, PDWORD required);
BOOL WINAPI SetupDiGetDeviceInstanceIdW(HDEVINFO set, PSP_DEVINFO_DATA device, PWSTR id,
					DWORD size, PDWORD required);
#define SetupDiGetDeviceInstanceId KS_WIN_NAME(SetupDiGetDeviceInstanceId)

/* Return INVALID_HANDLE_VALUE on failure. See winreg.h */
HKEY WINAPI SetupDiOpenDeviceInterfaceRegKey(HDEVINFO set,
					     PSP_DEVICE_INTERFACE_DATA interface_data,
					     DWORD reserved, REGSAM access);
HKEY WINAPI SetupDiOpenDevRegKey(HDEVINFO set, PSP_DEVINFO_DATA device, DWORD scope,
				 DWORD profile, DWORD type, REGSAM access);

BOOL WINAPI SetupDiDestroyDeviceInfoList(HDEVINFO set);

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_SETUPAPI_H */
