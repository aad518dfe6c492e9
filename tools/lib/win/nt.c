// SPDX-License-Identifier: GPL-2.0-only
/* Functions of ntdll.dll, as clients call them in the places of CreateFile() and KsCreatePin(). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ks/win/winternl.h>

#include "win.h"
#include "text.h"

/* The name of a pin is KSSTRING_Pin, a backslash, and the bytes of a KSPIN_CONNECT */
#define PIN_NAME "{146f1a80-4791-11d0-a5d6-28db04c10000}\\"

WIN_API VOID RtlInitUnicodeString(PUNICODE_STRING string, PCWSTR text)
{
	size_t bytes = win_wchar_bytes(), length = text ? win_wide_length(text) * bytes : 0;

	/* The size with the zero is a USHORT too */
	if (length > UINT16_MAX / bytes * bytes - bytes)
		length = UINT16_MAX / bytes * bytes - bytes;
	string->Length = (USHORT)length;
	string->MaximumLength = (USHORT)(text ? length + bytes : 0);
	string->Buffer = (PWSTR)text;
}

WIN_API NTSTATUS NtClose(HANDLE handle)
{
	return CloseHandle(handle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

/* The status of a function that returns a Win32 code */
static NTSTATUS status_of(DWORD error)
{
	static const NTSTATUS statuses[] = {
		STATUS_SUCCESS, STATUS_ACCESS_VIOLATION, STATUS_INVALID_DEVICE_REQUEST,
		STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_HANDLE, STATUS_ACCESS_DENIED,
		STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_DEVICE_BUSY,
		STATUS_PENDING, STATUS_IO_TIMEOUT, STATUS_CANCELLED, STATUS_DEVICE_REMOVED,
		STATUS_NO_MEMORY, STATUS_TOO_MANY_OPENED_FILES, STATUS_IO_DEVICE_ERROR,
		STATUS_OBJECT_NAME_NOT_FOUND, STATUS_PROPSET_NOT_FOUND, STATUS_NOT_FOUND,
		STATUS_NO_MATCH, STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL,
		STATUS_INVALID_BUFFER_SIZE,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++)
		if (RtlNtStatusToDosError(statuses[i]) == error)
			return statuses[i];
	return STATUS_UNSUCCESSFUL;
}

WIN_API DWORD KsCreateTopologyNode(HANDLE parent, PKSNODE_CREATE node, ACCESS_MASK access,
				   PHANDLE handle)
{
	struct win_object *object = win_get(parent, WIN_ANY);
	int ret = object ? -EOPNOTSUPP : -EBADF;

	(void)access;
	win_put(object);
	return win_code(!node || !handle ? -EINVAL : ret);
}

static NTSTATUS open_filter(const char *name, ACCESS_MASK access, PHANDLE handle)
{
	*handle = CreateFileA(name, access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
			      OPEN_EXISTING, 0, NULL);
	return *handle == INVALID_HANDLE_VALUE ? status_of(GetLastError()) : STATUS_SUCCESS;
}

/* The connect structure may be at any address, and the format must not end after the name */
static NTSTATUS open_pin(HANDLE filter, const void *connect, size_t size, ACCESS_MASK access,
			 PHANDLE handle)
{
	NTSTATUS status = STATUS_INVALID_PARAMETER;
	ULONG format_size;
	char *copy;

	if (size < sizeof(KSPIN_CONNECT) + sizeof(KSDATAFORMAT))
		return STATUS_INVALID_PARAMETER;
	copy = malloc(size);
	if (!copy)
		return STATUS_NO_MEMORY;
	memcpy(copy, connect, size);
	memcpy(&format_size, copy + sizeof(KSPIN_CONNECT), sizeof(format_size));
	if (format_size <= size - sizeof(KSPIN_CONNECT))
		status = status_of(KsCreatePin(filter, (void *)copy, access, handle));
	free(copy);
	return status;
}

static NTSTATUS open_object(POBJECT_ATTRIBUTES attributes, ACCESS_MASK access, PHANDLE handle)
{
	PCUNICODE_STRING name = attributes->ObjectName;
	size_t bytes = win_wchar_bytes(), prefix = strlen(PIN_NAME) * bytes;
	NTSTATUS status;
	char *text;

	if (!attributes->RootDirectory) {
		text = win_narrow(name->Buffer, name->Length / bytes);
		status = text ? open_filter(text, access, handle) : STATUS_NO_MEMORY;
		free(text);
		return status;
	}
	if (name->Length < prefix)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	text = win_narrow(name->Buffer, strlen(PIN_NAME));
	if (!text)
		return STATUS_NO_MEMORY;
	status = STATUS_OBJECT_NAME_NOT_FOUND;
	if (!strcasecmp(text, PIN_NAME))
		status = open_pin(attributes->RootDirectory, (char *)name->Buffer + prefix,
				  name->Length - prefix, access, handle);
	free(text);
	return status;
}

WIN_API NTSTATUS NtOpenFile(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes,
			    PIO_STATUS_BLOCK status, ULONG share, ULONG options)
{
	HANDLE opened;
	NTSTATUS ret;

	(void)share;
	(void)options;
	if (!handle || !status)
		return STATUS_ACCESS_VIOLATION;
	if (!attributes || attributes->Length != sizeof(*attributes) || !attributes->ObjectName ||
	    !attributes->ObjectName->Buffer)
		return STATUS_INVALID_PARAMETER;
	ret = open_object(attributes, access, &opened);
	if (ret)
		return ret;
	*handle = opened;
	status->Status = STATUS_SUCCESS;
	status->Information = 1; /* opened, not created */
	return STATUS_SUCCESS;
}

/*
 * The call completes before this function returns: a client must be ready for that, because
 * it does not know how long a call takes.
 */
WIN_API NTSTATUS NtDeviceIoControlFile(HANDLE handle, HANDLE event, PIO_APC_ROUTINE apc,
				       PVOID apc_context, PIO_STATUS_BLOCK status, ULONG code,
				       PVOID in, ULONG in_size, PVOID out, ULONG out_size)
{
	/* The call is not for a completion port, because the client has no OVERLAPPED for it */
	OVERLAPPED overlapped = { .hEvent = (HANDLE)((uintptr_t)event | WIN_NO_PACKET) };
	NTSTATUS ret;
	DWORD bytes;

	(void)apc_context;
	if (!status)
		return STATUS_ACCESS_VIOLATION;
	if (apc)
		return STATUS_NOT_SUPPORTED;
	if (!DeviceIoControl(handle, code, in, in_size, out, out_size, &bytes, &overlapped) &&
	    GetLastError() != ERROR_IO_PENDING && GetLastError() != ERROR_MORE_DATA)
		return status_of(GetLastError());
	ret = win_pending_wait(&overlapped, INFINITE, &bytes);
	status->Information = bytes;
	status->Status = ret;
	return ret;
}
