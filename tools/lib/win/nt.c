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

/* The format must not end after the name */
static NTSTATUS open_pin(HANDLE filter, char *connect, size_t size, ACCESS_MASK access,
			 PHANDLE handle)
{
	ULONG format_size;

	if (size < sizeof(KSPIN_CONNECT) + sizeof(KSDATAFORMAT))
		return STATUS_INVALID_PARAMETER;
	memcpy(&format_size, connect + sizeof(KSPIN_CONNECT), sizeof(format_size));
	if (format_size > size - sizeof(KSPIN_CONNECT))
		return STATUS_INVALID_PARAMETER;
	/* The structure may be at any address */
	return status_of(KsCreatePin(filter, (void *)connect, access, handle));
}

static NTSTATUS open_object(HANDLE directory, char *name, size_t size, ACCESS_MASK access,
			    PHANDLE handle)
{
	size_t bytes = win_wchar_bytes(), prefix = strlen(PIN_NAME) * bytes;
	NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
	char *text;

	if (directory && size < prefix)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	text = win_narrow(name, directory ? strlen(PIN_NAME) : size / bytes);
	if (!text)
		return STATUS_NO_MEMORY;
	if (!directory)
		status = open_filter(text, access, handle);
	else if (!strcasecmp(text, PIN_NAME))
		status = open_pin(directory, name + prefix, size - prefix, access, handle);
	free(text);
	return status;
}

static NTSTATUS check_memory(const void *data, size_t size, bool for_write)
{
	return win_check_memory(data, size, for_write) ? STATUS_ACCESS_VIOLATION : STATUS_SUCCESS;
}

/* Copies a structure of the client to @to */
static NTSTATUS take(void *to, const void *from, size_t size)
{
	NTSTATUS ret;

	if (!from)
		return STATUS_INVALID_PARAMETER;
	ret = check_memory(from, size, false);
	if (!ret)
		memcpy(to, from, size);
	return ret;
}

struct name {
	/* For free() */
	char *bytes;
	size_t size;
};

static NTSTATUS take_name(PCUNICODE_STRING from, struct name *name)
{
	UNICODE_STRING string;
	NTSTATUS ret;

	ret = take(&string, from, sizeof(string));
	if (ret)
		return ret;
	name->size = string.Length;
	name->bytes = malloc(name->size ? name->size : 1);
	if (!name->bytes)
		return STATUS_NO_MEMORY;
	ret = take(name->bytes, string.Buffer, name->size);
	if (ret)
		free(name->bytes);
	return ret;
}

static void let_wait(HANDLE handle)
{
	struct win_object *object = win_get(handle, WIN_ANY);

	if (object)
		__atomic_store_n(&object->waits, true, __ATOMIC_RELAXED);
	win_put(object);
}

WIN_API NTSTATUS NtOpenFile(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes,
			    PIO_STATUS_BLOCK status, ULONG share, ULONG options)
{
	const ULONG synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
	/* Opened, not created */
	static const IO_STATUS_BLOCK done = { .Status = STATUS_SUCCESS, .Information = 1 };
	OBJECT_ATTRIBUTES copy;
	struct name name;
	HANDLE opened;
	NTSTATUS ret;

	(void)share;
	ret = check_memory(handle, sizeof(*handle), true);
	if (!ret)
		ret = check_memory(status, sizeof(*status), true);
	if (!ret)
		ret = take(&copy, attributes, sizeof(copy));
	if (!ret && copy.Length != sizeof(copy))
		ret = STATUS_INVALID_PARAMETER;
	if (!ret)
		ret = take_name(copy.ObjectName, &name);
	if (ret)
		return ret;
	ret = open_object(copy.RootDirectory, name.bytes, name.size, access, &opened);
	free(name.bytes);
	if (ret)
		return ret;
	if (options & synchronous)
		let_wait(opened);
	if (win_copy_out(handle, &opened, sizeof(opened)) ||
	    win_copy_out(status, &done, sizeof(done))) {
		CloseHandle(opened);
		return STATUS_ACCESS_VIOLATION;
	}
	return STATUS_SUCCESS;
}

/*
 * Whether the call completes before NtDeviceIoControlFile() returns. Without an event, Windows
 * signals the file, which cannot be waited for here. A client must be ready for a call that
 * completes immediately, because it does not know how long it takes
 */
static bool has_to_wait(HANDLE handle, HANDLE event)
{
	struct win_object *object = win_get(handle, WIN_ANY);
	bool waits = !event;

	if (object)
		waits |= __atomic_load_n(&object->waits, __ATOMIC_RELAXED);
	win_put(object);
	return waits;
}

static NTSTATUS control_and_wait(HANDLE handle, HANDLE event, PIO_STATUS_BLOCK status, ULONG code,
				 struct win_call *call)
{
	OVERLAPPED overlapped = { 0 };
	IO_STATUS_BLOCK done = { 0 };
	DWORD error, bytes;

	error = win_control(handle, code, call, &overlapped, event);
	if (error && error != ERROR_IO_PENDING && error != ERROR_MORE_DATA)
		return status_of(error);
	done.Status = win_pending_wait(&overlapped, INFINITE, &bytes);
	done.Information = bytes;
	/* If the client has unmapped it in the meantime, it still learns the result */
	win_copy_out(status, &done, sizeof(done));
	return done.Status;
}

_Static_assert(!offsetof(IO_STATUS_BLOCK, Status) &&
	       offsetof(IO_STATUS_BLOCK, Information) == offsetof(OVERLAPPED, InternalHigh),
	       "an IO_STATUS_BLOCK is the beginning of an OVERLAPPED");

WIN_API NTSTATUS NtDeviceIoControlFile(HANDLE handle, HANDLE event, PIO_APC_ROUTINE apc,
				       PVOID apc_context, PIO_STATUS_BLOCK status, ULONG code,
				       PVOID in, ULONG in_size, PVOID out, ULONG out_size)
{
	struct win_call call = {
		.in = in, .in_size = in_size, .out = out, .out_size = out_size,
	};
	/* The call is not for a completion port, because the client has no OVERLAPPED for it */
	HANDLE no_packet = (HANDLE)((uintptr_t)event | WIN_NO_PACKET);

	(void)apc_context;
	if (check_memory(status, sizeof(*status), true))
		return STATUS_ACCESS_VIOLATION;
	if (apc)
		return STATUS_NOT_SUPPORTED;
	if (has_to_wait(handle, event))
		return control_and_wait(handle, no_packet, status, code, &call);
	return status_of(win_control(handle, code, &call, (OVERLAPPED *)(void *)status, no_packet));
}
