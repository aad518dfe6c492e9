// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error codes: errno, NTSTATUS and Win32 codes in one table. Other files of the library use
 * only errno.
 */
#include <errno.h>
#include <stddef.h>

#include "win.h"

static const struct {
	int err;
	NTSTATUS status;
	DWORD code;
} errors[] = {
	{ 0, STATUS_SUCCESS, ERROR_SUCCESS },
	/* Errors of the kernel, see <linux/ksalloc.h> */
	{ EFAULT, STATUS_ACCESS_VIOLATION, ERROR_NOACCESS },
	{ ENOTTY, STATUS_INVALID_DEVICE_REQUEST, ERROR_INVALID_FUNCTION },
	{ E2BIG, STATUS_INSUFFICIENT_RESOURCES, ERROR_NO_SYSTEM_RESOURCES },
	{ EBADF, STATUS_INVALID_HANDLE, ERROR_INVALID_HANDLE },
	{ EACCES, STATUS_ACCESS_DENIED, ERROR_ACCESS_DENIED },
	{ EPERM, STATUS_ACCESS_DENIED, ERROR_ACCESS_DENIED },
	{ EINVAL, STATUS_INVALID_PARAMETER, ERROR_INVALID_PARAMETER },
	{ EOPNOTSUPP, STATUS_NOT_SUPPORTED, ERROR_NOT_SUPPORTED },
	{ EBUSY, STATUS_DEVICE_BUSY, ERROR_BUSY },
	{ EAGAIN, STATUS_PENDING, ERROR_IO_PENDING },
	{ ETIMEDOUT, STATUS_IO_TIMEOUT, ERROR_SEM_TIMEOUT },
	{ EINTR, STATUS_CANCELLED, ERROR_OPERATION_ABORTED },
	{ ECANCELED, STATUS_CANCELLED, ERROR_OPERATION_ABORTED },
	{ ENODEV, STATUS_DEVICE_REMOVED, ERROR_DEVICE_REMOVED },
	{ ENXIO, STATUS_DEVICE_REMOVED, ERROR_DEVICE_REMOVED },
	{ ENOMEM, STATUS_NO_MEMORY, ERROR_NOT_ENOUGH_MEMORY },
	{ EMFILE, STATUS_TOO_MANY_OPENED_FILES, ERROR_TOO_MANY_OPEN_FILES },
	{ ENFILE, STATUS_TOO_MANY_OPENED_FILES, ERROR_TOO_MANY_OPEN_FILES },
	{ EIO, STATUS_IO_DEVICE_ERROR, ERROR_IO_DEVICE },
	{ ENOENT, STATUS_OBJECT_NAME_NOT_FOUND, ERROR_FILE_NOT_FOUND },
	/* Errors of the library */
	{ WIN_NO_SUCH_SET, STATUS_PROPSET_NOT_FOUND, ERROR_SET_NOT_FOUND },
	{ WIN_NO_SUCH_ITEM, STATUS_NOT_FOUND, ERROR_NOT_FOUND },
	{ WIN_NO_MATCH, STATUS_NO_MATCH, ERROR_NO_MATCH },
	{ WIN_MORE_DATA, STATUS_BUFFER_OVERFLOW, ERROR_MORE_DATA },
	{ WIN_BAD_SIZE, STATUS_INVALID_BUFFER_SIZE, ERROR_INVALID_USER_BUFFER },
	{ WIN_TOO_SMALL, STATUS_BUFFER_TOO_SMALL, ERROR_INSUFFICIENT_BUFFER },
};

NTSTATUS win_status(int err)
{
	size_t i;

	if (err < 0)
		err = -err;
	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].err == err)
			return errors[i].status;
	return STATUS_UNSUCCESSFUL;
}

DWORD win_code(int err)
{
	return win_code_of_status(win_status(err));
}

DWORD win_code_of_status(NTSTATUS status)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].status == status)
			return errors[i].code;
	return ERROR_GEN_FAILURE;
}

static __thread DWORD last_error;

WIN_API DWORD GetLastError(void)
{
	return last_error;
}

WIN_API void SetLastError(DWORD error)
{
	last_error = error;
}

BOOL win_result(int err)
{
	if (err >= 0)
		return TRUE;
	SetLastError(win_code(err));
	return FALSE;
}
