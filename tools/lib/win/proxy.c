// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions of ksproxy.ax that need no COM, besides KsSynchronousDeviceControl(), and the memory
 * of their results.
 */
#include <stdlib.h>

#include <ks/win/combaseapi.h>
#include <ks/win/setupapi.h>

#include "win.h"
#include "device.h"

WIN_API LPVOID CoTaskMemAlloc(SIZE_T bytes)
{
	return malloc(bytes ? bytes : 1);
}

WIN_API LPVOID CoTaskMemRealloc(LPVOID memory, SIZE_T bytes)
{
	if (memory && !bytes) {
		free(memory);
		return NULL;
	}
	return realloc(memory, bytes ? bytes : 1);
}

WIN_API VOID CoTaskMemFree(LPVOID memory)
{
	free(memory);
}

WIN_API HRESULT KsGetMultiplePinFactoryItems(HANDLE filter, ULONG pin, ULONG property, void **items)
{
	KSP_PIN request = {
		.Property = {
			.Set = KSPROPSETID_Pin, .Id = property, .Flags = KSPROPERTY_TYPE_GET,
		},
		.PinId = pin,
	};
	ULONG size = 0;
	HRESULT result;

	if (!items)
		return E_POINTER;
	*items = NULL;
	result = KsSynchronousDeviceControl(filter, IOCTL_KS_PROPERTY, &request, sizeof(request),
					    NULL, 0, &size);
	if (result != HRESULT_FROM_WIN32(ERROR_MORE_DATA))
		return SUCCEEDED(result) ? E_FAIL : result;
	*items = CoTaskMemAlloc(size);
	if (!*items)
		return E_OUTOFMEMORY;
	result = KsSynchronousDeviceControl(filter, IOCTL_KS_PROPERTY, &request, sizeof(request),
					    *items, size, &size);
	if (FAILED(result)) {
		CoTaskMemFree(*items);
		*items = NULL;
	}
	return result;
}

WIN_API HRESULT KsOpenDefaultDevice(REFGUID category, ACCESS_MASK access, PHANDLE filter)
{
	struct win_device *devices = NULL;
	HANDLE opened = INVALID_HANDLE_VALUE;
	DWORD error = ERROR_NO_MORE_ITEMS;
	int count = 0;

	if (!category || !filter)
		return E_POINTER;
	if (win_device_category(category))
		count = win_devices(&devices);
	if (count < 0)
		return HRESULT_FROM_WIN32(win_code(count));
	if (count) {
		opened = CreateFileA(devices[0].node, access, 0, NULL, OPEN_EXISTING, 0, NULL);
		if (opened == INVALID_HANDLE_VALUE)
			error = GetLastError();
		free(devices);
	}
	*filter = opened;
	return opened == INVALID_HANDLE_VALUE ? HRESULT_FROM_WIN32(error) : S_OK;
}
