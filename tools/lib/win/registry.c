// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry: there are only the keys of devices, whose only value is the name of the device,
 * and roots without keys. A key is the address of a record in a list, so a wrong one is found
 * and never dereferenced.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "win.h"
#include "device.h"
#include "text.h"

struct key {
	struct key *next;
	char name[WIN_DEVICE_NAME];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct key *keys;

/* These are no addresses */
static bool is_root(HKEY key)
{
	return (uintptr_t)key >= (uintptr_t)HKEY_CLASSES_ROOT &&
	       (uintptr_t)key <= (uintptr_t)HKEY_CURRENT_CONFIG;
}

/* The caller has the lock */
static const struct key *find(HKEY handle)
{
	const struct key *key;

	for (key = keys; key && (HKEY)key != handle; key = key->next)
		;
	return key;
}

DWORD win_key_open(const char *name, HKEY *handle)
{
	struct key *key = calloc(1, sizeof(*key));

	if (!key)
		return ERROR_NOT_ENOUGH_MEMORY;
	memcpy(key->name, name, sizeof(key->name));
	pthread_mutex_lock(&lock);
	key->next = keys;
	keys = key;
	pthread_mutex_unlock(&lock);
	*handle = (HKEY)key;
	return ERROR_SUCCESS;
}

/* The name of another key is empty, and there is none with a name */
static LSTATUS open_again(HKEY handle, bool has_name, HKEY *key)
{
	char name[WIN_DEVICE_NAME];
	const struct key *old;

	if (!key)
		return ERROR_INVALID_PARAMETER;
	if (is_root(handle)) {
		*key = handle;
		return has_name ? ERROR_FILE_NOT_FOUND : ERROR_SUCCESS;
	}
	pthread_mutex_lock(&lock);
	old = find(handle);
	if (old)
		memcpy(name, old->name, sizeof(name));
	pthread_mutex_unlock(&lock);
	if (!old)
		return ERROR_INVALID_HANDLE;
	return has_name ? ERROR_FILE_NOT_FOUND : (LSTATUS)win_key_open(name, key);
}

WIN_API LSTATUS RegOpenKeyExA(HKEY key, LPCSTR name, DWORD options, REGSAM access, PHKEY opened)
{
	(void)options;
	(void)access;
	return open_again(key, name && *name, opened);
}

WIN_API LSTATUS RegOpenKeyExW(HKEY key, LPCWSTR name, DWORD options, REGSAM access, PHKEY opened)
{
	(void)options;
	(void)access;
	return open_again(key, name && win_wide_length(name), opened);
}

static LSTATUS query_value(HKEY handle, const char *name, const DWORD *reserved, LPDWORD type,
			   LPBYTE data, LPDWORD size, bool wide)
{
	const struct key *key;
	DWORD error, room = size && data ? *size : 0;

	if (reserved || (data && !size))
		return ERROR_INVALID_PARAMETER;
	if (is_root(handle))
		return ERROR_FILE_NOT_FOUND;
	pthread_mutex_lock(&lock);
	key = find(handle);
	if (!key) {
		error = ERROR_INVALID_HANDLE;
	} else if (!name || strcasecmp(name, "FriendlyName")) {
		error = ERROR_FILE_NOT_FOUND;
	} else {
		error = win_put_text(key->name, wide, 1, data, room, size);
		if (type)
			*type = REG_SZ;
		/* Without a buffer, the client asks for the size */
		if (error)
			error = data ? ERROR_MORE_DATA : ERROR_SUCCESS;
	}
	pthread_mutex_unlock(&lock);
	return (LSTATUS)error;
}

WIN_API LSTATUS RegQueryValueExA(HKEY key, LPCSTR name, LPDWORD reserved, LPDWORD type,
				 LPBYTE data, LPDWORD size)
{
	return query_value(key, name, reserved, type, data, size, false);
}

WIN_API LSTATUS RegQueryValueExW(HKEY key, LPCWSTR name, LPDWORD reserved, LPDWORD type,
				 LPBYTE data, LPDWORD size)
{
	char *text = name ? win_narrow(name, win_wide_length(name)) : NULL;
	LSTATUS ret;

	if (name && !text)
		return ERROR_NOT_ENOUGH_MEMORY;
	ret = query_value(key, text, reserved, type, data, size, true);
	free(text);
	return ret;
}

WIN_API LSTATUS RegCloseKey(HKEY handle)
{
	struct key **link, *key;

	if (is_root(handle))
		return ERROR_SUCCESS;
	pthread_mutex_lock(&lock);
	for (link = &keys; (key = *link) && (HKEY)key != handle; link = &key->next)
		;
	if (key)
		*link = key->next;
	pthread_mutex_unlock(&lock);
	free(key);
	return key ? ERROR_SUCCESS : ERROR_INVALID_HANDLE;
}
