// SPDX-License-Identifier: GPL-2.0-only
/* FormatMessage(): a text for each error of winerror.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "win.h"

/* The longest text of the table, with its end */
#define TEXT_SIZE 64

static const struct {
	DWORD code;
	const char *text;
} messages[] = {
	{ ERROR_SUCCESS, "No error" },
	{ ERROR_INVALID_FUNCTION, "The device does not have this function" },
	{ ERROR_FILE_NOT_FOUND, "There is no such file or device" },
	{ ERROR_PATH_NOT_FOUND, "There is no such directory" },
	{ ERROR_TOO_MANY_OPEN_FILES, "Too many files are open" },
	{ ERROR_ACCESS_DENIED, "Permission denied" },
	{ ERROR_INVALID_HANDLE, "The handle is invalid" },
	{ ERROR_NOT_ENOUGH_MEMORY, "Out of memory" },
	{ ERROR_INVALID_ACCESS, "The access is invalid" },
	{ ERROR_INVALID_DATA, "The data are invalid" },
	{ ERROR_OUTOFMEMORY, "Out of memory" },
	{ ERROR_NO_MORE_FILES, "There are no more files" },
	{ ERROR_WRITE_PROTECT, "The medium is write-protected" },
	{ ERROR_NOT_READY, "The device is not ready" },
	{ ERROR_BAD_COMMAND, "The device does not know the command" },
	{ ERROR_CRC, "The data are damaged" },
	{ ERROR_BAD_LENGTH, "The length is wrong" },
	{ ERROR_WRITE_FAULT, "Writing failed" },
	{ ERROR_READ_FAULT, "Reading failed" },
	{ ERROR_GEN_FAILURE, "The device failed" },
	{ ERROR_SHARING_VIOLATION, "Another process uses the file" },
	{ ERROR_HANDLE_EOF, "End of file" },
	{ ERROR_HANDLE_DISK_FULL, "The disk is full" },
	{ ERROR_NOT_SUPPORTED, "This is not supported" },
	{ ERROR_DEV_NOT_EXIST, "The device does not exist any more" },
	{ ERROR_ADAP_HDW_ERR, "The adapter has an error" },
	{ ERROR_FILE_EXISTS, "The file exists" },
	{ ERROR_INVALID_PARAMETER, "A parameter is invalid" },
	{ ERROR_BROKEN_PIPE, "The other end of the pipe is closed" },
	{ ERROR_OPEN_FAILED, "The file or device cannot be opened" },
	{ ERROR_BUFFER_OVERFLOW, "The name is too long" },
	{ ERROR_DISK_FULL, "The disk is full" },
	{ ERROR_CALL_NOT_IMPLEMENTED, "This function does not exist here" },
	{ ERROR_SEM_TIMEOUT, "The device did not answer in time" },
	{ ERROR_INSUFFICIENT_BUFFER, "The buffer is too small" },
	{ ERROR_INVALID_NAME, "The name is invalid" },
	{ ERROR_MOD_NOT_FOUND, "There is no such library" },
	{ ERROR_PROC_NOT_FOUND, "The library has no such function" },
	{ ERROR_WAIT_NO_CHILDREN, "There is nothing to wait for" },
	{ ERROR_BAD_PATHNAME, "The path is invalid" },
	{ ERROR_BUSY, "The device is busy" },
	{ ERROR_ALREADY_EXISTS, "It exists already" },
	{ ERROR_FILENAME_EXCED_RANGE, "The file name is too long" },
	{ ERROR_NO_DATA, "There are no data" },
	{ ERROR_MORE_DATA, "There are more data than fit" },
	{ ERROR_NO_MORE_ITEMS, "There are no more items" },
	{ ERROR_TOO_MANY_POSTS, "The count of the semaphore is too high" },
	{ ERROR_MR_MID_NOT_FOUND, "There is no text for this error" },
	{ ERROR_INVALID_ADDRESS, "The address is invalid" },
	{ ERROR_ARITHMETIC_OVERFLOW, "A number is too large" },
	{ ERROR_WAIT_1, "The wait ended" },
	{ ERROR_ABANDONED_WAIT_0, "The object is closed" },
	{ ERROR_OPERATION_ABORTED, "The call was cancelled" },
	{ ERROR_IO_INCOMPLETE, "The call is still pending" },
	{ ERROR_IO_PENDING, "The call is pending" },
	{ ERROR_NOACCESS, "The memory cannot be accessed" },
	{ ERROR_INVALID_FLAGS, "The flags are invalid" },
	{ ERROR_FILE_INVALID, "The file has changed" },
	{ ERROR_BADKEY, "The key is invalid" },
	{ ERROR_CANTOPEN, "The key cannot be opened" },
	{ ERROR_CANTREAD, "The key cannot be read" },
	{ ERROR_KEY_DELETED, "The key was deleted" },
	{ ERROR_NO_UNICODE_TRANSLATION, "A character is invalid" },
	{ ERROR_IO_DEVICE, "The device had an error" },
	{ ERROR_POSSIBLE_DEADLOCK, "This would wait for ever" },
	{ ERROR_MAPPED_ALIGNMENT, "The alignment is wrong" },
	{ ERROR_DEVICE_REINITIALIZATION_NEEDED, "The device has to be reset" },
	{ ERROR_DEVICE_REQUIRES_CLEANING, "The device has to be cleaned" },
	{ ERROR_DEVICE_NOT_CONNECTED, "The device is not connected" },
	{ ERROR_NOT_FOUND, "There is no such item" },
	{ ERROR_NO_MATCH, "There is no such format or interface" },
	{ ERROR_SET_NOT_FOUND, "There is no such property set" },
	{ ERROR_POINT_NOT_FOUND, "There is no such point" },
	{ ERROR_CANCELLED, "It was cancelled" },
	{ ERROR_CONNECTION_INVALID, "The connection is invalid" },
	{ ERROR_REQUEST_ABORTED, "The request was aborted" },
	{ ERROR_CONNECTION_ABORTED, "The connection was aborted" },
	{ ERROR_RETRY, "Try again" },
	{ ERROR_PRIVILEGE_NOT_HELD, "A privilege is missing" },
	{ ERROR_INTERNAL_ERROR, "Internal error" },
	{ ERROR_INVALID_INDEX, "The index is invalid" },
	{ ERROR_NO_SYSTEM_RESOURCES, "The system or the device has no more resources" },
	{ ERROR_NONPAGED_SYSTEM_RESOURCES, "The system has no more memory" },
	{ ERROR_PAGED_SYSTEM_RESOURCES, "The system has no more memory" },
	{ ERROR_TIMEOUT, "The time is over" },
	{ ERROR_INVALID_HANDLE_STATE, "The handle is in the wrong state" },
	{ ERROR_BAD_CONFIGURATION, "The configuration is wrong" },
	{ ERROR_DEVICE_REMOVED, "The device is gone" },
	{ ERROR_UNSUPPORTED_TYPE, "The type is not supported" },
	{ ERROR_INVALID_USER_BUFFER, "The size of the buffer is wrong" },
	{ ERROR_NOT_ENOUGH_QUOTA, "A limit of the process is reached" },
	{ ERROR_DEVICE_IN_USE, "The device is in use" },
	{ ERROR_INVALID_OPERATION, "This is not possible" },
	{ ERROR_DEVICE_NOT_AVAILABLE, "The device is not available" },
	{ ERROR_INVALID_STATE, "This is not possible in this state" },
};

/* HRESULT_FROM_WIN32() of an error has the same text as the error */
static const char *find(DWORD message)
{
	size_t i;

	if ((message & 0xffff0000) == 0x80070000)
		message &= 0xffff;
	for (i = 0; i < ARRAY_SIZE(messages); i++)
		if (messages[i].code == message)
			return messages[i].text;
	return NULL;
}

static DWORD get_text(DWORD flags, DWORD message, char *text)
{
	const char *found;

	if (!(flags & FORMAT_MESSAGE_FROM_SYSTEM) || flags & FORMAT_MESSAGE_FROM_STRING)
		return ERROR_INVALID_PARAMETER;
	found = find(message);
	if (!found)
		return ERROR_MR_MID_NOT_FOUND;
	snprintf(text, TEXT_SIZE, "%s.%s", found,
		 flags & FORMAT_MESSAGE_MAX_WIDTH_MASK ? " " : "\r\n");
	return ERROR_SUCCESS;
}

/*
 * Returns where to write @needed characters: the buffer, or with
 * FORMAT_MESSAGE_ALLOCATE_BUFFER new memory, to which the buffer points then. In this case
 * @size is the minimum.
 */
static void *room_for(DWORD flags, void *buffer, DWORD size, size_t needed, size_t char_bytes)
{
	void *memory;

	if (!buffer) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	if (!(flags & FORMAT_MESSAGE_ALLOCATE_BUFFER)) {
		if (size >= needed)
			return buffer;
		SetLastError(ERROR_INSUFFICIENT_BUFFER);
		return NULL;
	}
	memory = LocalAlloc(LMEM_ZEROINIT, (size > needed ? size : needed) * char_bytes);
	memcpy(buffer, &memory, sizeof(memory));
	return memory;
}

WIN_API DWORD FormatMessageA(DWORD flags, LPCVOID source, DWORD message, DWORD language,
			     LPSTR buffer, DWORD size, __builtin_va_list *arguments)
{
	char text[TEXT_SIZE], *to;
	size_t length;
	DWORD error;

	(void)source;
	(void)language;
	(void)arguments;
	error = get_text(flags, message, text);
	if (error) {
		SetLastError(error);
		return 0;
	}
	length = strlen(text);
	to = room_for(flags, buffer, size, length + 1, 1);
	if (!to)
		return 0;
	memcpy(to, text, length + 1);
	return (DWORD)length;
}

WIN_API DWORD FormatMessageW(DWORD flags, LPCVOID source, DWORD message, DWORD language,
			     LPWSTR buffer, DWORD size, __builtin_va_list *arguments)
{
	char text[TEXT_SIZE];
	size_t length;
	DWORD error;
	void *to;

	(void)source;
	(void)language;
	(void)arguments;
	error = get_text(flags, message, text);
	if (error) {
		SetLastError(error);
		return 0;
	}
	length = strlen(text);
	to = room_for(flags, buffer, size, length + 1, win_wchar_bytes());
	if (!to)
		return 0;
	win_widen(text, to, length + 1);
	return (DWORD)length;
}
