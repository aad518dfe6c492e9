/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions of ntdll.dll that some clients call directly. NtOpenFile() opens a filter by its
 * interface path with "\??\" before it, or creates a pin as KsCreatePin() of Windows does: the
 * name is KSSTRING_Pin, a backslash and a KSPIN_CONNECT, relative to the filter.
 */
#ifndef KS_WIN_WINTERNL_H
#define KS_WIN_WINTERNL_H

#include "winnt.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _UNICODE_STRING {
	USHORT Length;
	USHORT MaximumLength;
	PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;

typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct _OBJECT_ATTRIBUTES {
	ULONG Length;
	HANDLE RootDirectory;
	PUNICODE_STRING ObjectName;
	ULONG Attributes;
	PVOID SecurityDescriptor;
	PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;

#define OBJ_INHERIT 0x00000002
#define OBJ_CASE_INSENSITIVE 0x00000040

#define InitializeObjectAttributes(attributes, name, flags, root, security) \
	((attributes)->Length = sizeof(OBJECT_ATTRIBUTES), \
	 (attributes)->RootDirectory = (root), \
	 (attributes)->ObjectName = (name), \
	 (attributes)->Attributes = (flags), \
	 (attributes)->SecurityDescriptor = (security), \
	 (attributes)->SecurityQualityOfService = NULL)

typedef struct _IO_STATUS_BLOCK {
	union {
		NTSTATUS Status;
		PVOID Pointer;
	};
	ULONG_PTR Information;
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;

typedef void (NTAPI *PIO_APC_ROUTINE)(PVOID context, PIO_STATUS_BLOCK status, ULONG reserved);

#define FILE_SYNCHRONOUS_IO_ALERT 0x00000010
#define FILE_SYNCHRONOUS_IO_NONALERT 0x00000020
#define FILE_NON_DIRECTORY_FILE 0x00000040

NTSTATUS NTAPI NtOpenFile(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes,
			  PIO_STATUS_BLOCK status, ULONG share, ULONG options);
NTSTATUS NTAPI NtDeviceIoControlFile(HANDLE handle, HANDLE event, PIO_APC_ROUTINE apc,
				     PVOID apc_context, PIO_STATUS_BLOCK status, ULONG code,
				     PVOID in, ULONG in_size, PVOID out, ULONG out_size);
NTSTATUS NTAPI NtClose(HANDLE handle);
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS status);
VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING string, PCWSTR text);

#ifdef __cplusplus
}
#endif

#endif /* KS_WIN_WINTERNL_H */
