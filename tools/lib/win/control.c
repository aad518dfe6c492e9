// SPDX-License-Identifier: GPL-2.0-only
/* DeviceIoControl(): dispatch to the objects, and completion of calls. */
#include <string.h>

#include "win.h"

static int property(struct win_object *object, struct win_call *call)
{
	switch (object->kind) {
	case WIN_FILTER:
		return win_filter_property(object, call);
	case WIN_PIN:
		return win_pin_property(object, call);
	case WIN_ALLOCATOR:
		return win_allocator_property(object, call);
	case WIN_CLOCK:
		return win_clock_property(object, call);
	default:
		return -ENOTTY;
	}
}

/* Returns -WIN_LATER if @pending is completed later */
static int dispatch(struct win_object *object, DWORD code, struct win_call *call,
		    const struct win_pending *pending)
{
	bool pin = object->kind == WIN_PIN, allocator = object->kind == WIN_ALLOCATOR;
	int ret;

	if (win_support(object, code, call, &ret))
		return ret;
	if (code == IOCTL_KS_PROPERTY)
		return property(object, call);
	if (code == IOCTL_KS_READ_STREAM && pin)
		return win_pin_read(object, call, pending);
	if (code == IOCTL_KS_RESET_STATE && pin)
		return win_pin_reset(object, call);
	if (code == IOCTL_KS_METHOD && allocator)
		return win_allocator_method(object, call, pending);
	if (code == IOCTL_KS_ENABLE_EVENT && allocator)
		return win_allocator_enable(object, call);
	if (code == IOCTL_KS_DISABLE_EVENT && allocator)
		return win_allocator_disable(object, call);
	return -ENOTTY;
}

static DWORD control_and_wait(struct win_object *object, DWORD code, struct win_call *call)
{
	OVERLAPPED overlapped = { 0 };
	struct win_pending pending;
	NTSTATUS status;
	int ret;

	ret = win_pending_begin(&pending, NULL, &overlapped, NULL);
	if (!ret)
		ret = dispatch(object, code, call, &pending);
	if (ret != -WIN_LATER)
		return win_code(win_end(ret));
	status = win_pending_wait(&overlapped, INFINITE, &call->returned);
	return win_code_of_status(status);
}

/*
 * A call that completes immediately completes its OVERLAPPED like a pending one. This
 * begins with the OVERLAPPED, so that a wrong event handle is found before the call has an
 * effect.
 */
static DWORD control_overlapped(struct win_object *object, DWORD code, struct win_call *call,
				OVERLAPPED *overlapped, HANDLE event)
{
	struct win_pending pending;
	int ret;

	ret = win_pending_begin(&pending, object, overlapped, event);
	if (ret)
		return win_code(ret);
	ret = dispatch(object, code, call, &pending);
	if (ret == -WIN_LATER)
		return ERROR_IO_PENDING;
	/* As in Windows, a warning completes the call, and has a result: the size of the answer */
	if (ret && ret != -WIN_MORE_DATA)
		win_pending_drop(&pending, ret);
	else
		win_pending_end(&pending, ret, call->returned);
	return win_code(win_end(ret));
}

/* Whether the call writes to @out. Other calls read it */
static bool writes(DWORD code, const struct win_call *call)
{
	KSIDENTIFIER request;

	if (code == IOCTL_KS_READ_STREAM)
		return true;
	if (call->in_size < sizeof(request))
		return false;
	memcpy(&request, call->in, sizeof(request));
	if (code == IOCTL_KS_METHOD)
		return request.Id == KSMETHOD_STREAMALLOCATOR_ALLOC;
	return code == IOCTL_KS_PROPERTY && !(request.Flags & KSPROPERTY_TYPE_SET);
}

static int check_memory(DWORD code, const struct win_call *call)
{
	int ret = win_check_memory(call->in, call->in_size, false);

	return ret ? ret : win_check_memory(call->out, call->out_size, writes(code, call));
}

DWORD win_control(HANDLE handle, DWORD code, struct win_call *call, OVERLAPPED *overlapped,
		  HANDLE event)
{
	struct win_object *object;
	DWORD error;
	int ret;

	ret = check_memory(code, call);
	if (ret)
		return win_code(ret);
	object = win_get(handle, WIN_ANY);
	if (!object)
		return win_code(-EBADF);
	error = overlapped ? control_overlapped(object, code, call, overlapped, event) :
			     control_and_wait(object, code, call);
	win_put(object);
	return error;
}

static DWORD control(HANDLE handle, DWORD code, struct win_call *call, OVERLAPPED *overlapped)
{
	OVERLAPPED copy = { 0 };

	if (overlapped) {
		if (win_check_memory(overlapped, sizeof(copy), true))
			return win_code(-EFAULT);
		/* It can be at any address. If it is not aligned, it is refused later */
		memcpy(&copy, (void *)overlapped, sizeof(copy));
	}
	return win_control(handle, code, call, overlapped, copy.hEvent);
}

WIN_API BOOL DeviceIoControl(HANDLE handle, DWORD code, LPVOID in, DWORD in_size, LPVOID out,
			     DWORD out_size, LPDWORD returned, LPOVERLAPPED overlapped)
{
	struct win_call call = {
		.in = in, .in_size = in_size, .out = out, .out_size = out_size,
	};
	DWORD error;

	error = control(handle, code, &call, overlapped);
	if (returned)
		*returned = call.returned;
	if (error == ERROR_SUCCESS)
		return TRUE;
	SetLastError(error);
	return FALSE;
}

WIN_API HRESULT KsSynchronousDeviceControl(HANDLE handle, ULONG code, PVOID in, ULONG in_size,
					   PVOID out, ULONG out_size, PULONG returned)
{
	struct win_call call = {
		.in = in, .in_size = in_size, .out = out, .out_size = out_size,
	};
	DWORD error;

	error = control(handle, code, &call, NULL);
	if (returned)
		*returned = call.returned;
	return HRESULT_FROM_WIN32(error);
}
