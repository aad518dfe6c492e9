// SPDX-License-Identifier: GPL-2.0-only
/* Random numbers, and calls with checks, for fuzz-libkswin.c. */
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ks/win/winternl.h>

#include "tap.h"
#include "winfuzz.h"

#define GUARD_BYTES 16

unsigned long refused, accepted, native_refused, native_accepted, wrong;

static uint64_t state;

void random_begin(uint64_t seed)
{
	state = seed ? seed : 1;
}

uint32_t random_bits(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 32);
}

uint32_t below(uint32_t limit)
{
	return random_bits() % limit;
}

void *bad_address(void)
{
	return (void *)(uintptr_t)below(0x10000);
}

bool one_in(uint32_t n)
{
	return !below(n);
}

uint32_t any_number(void)
{
	static const uint32_t ends[] = {
		0, 1, 7, 8, 24, 32, 64, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff,
	};

	return one_in(3) ? random_bits() : one_in(2) ? below(16) : ends[below(ARRAY_SIZE(ends))];
}

void *exactly(const unsigned char *data, size_t size)
{
	unsigned char *copy = malloc(size ? size : 1);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

void *guarded(const unsigned char *data, size_t size)
{
	unsigned char *copy = malloc(size + GUARD_BYTES);

	memcpy(copy, data, size);
	memset(copy + size, 0x5a, GUARD_BYTES);
	ASAN_POISON_MEMORY_REGION(copy + size, GUARD_BYTES);
	return copy;
}

bool free_guarded(void *data, size_t size)
{
	const unsigned char *guard = (unsigned char *)data + size;
	bool same = true;
	int i;

	ASAN_UNPOISON_MEMORY_REGION(guard, GUARD_BYTES);
	for (i = 0; i < GUARD_BYTES; i++)
		same &= guard[i] == 0x5a;
	free(data);
	return same;
}

void count_call(bool good)
{
	if (good)
		accepted++;
	else
		refused++;
}

struct call_data {
	void *in;
	ULONG in_size;
	void *out;
	ULONG out_size;
};

/* With an event, ALLOC can be pending */
static DWORD call_natively(HANDLE handle, DWORD code, const struct call_data *data, DWORD *returned)
{
	HANDLE event = one_in(2) ? NULL : CreateEventA(NULL, TRUE, FALSE, NULL);
	IO_STATUS_BLOCK result = { .Information = 0 };
	PIO_STATUS_BLOCK place = one_in(200) ? bad_address() : &result;
	NTSTATUS status;

	status = NtDeviceIoControlFile(handle, event, NULL, NULL, place, code, data->in,
				       data->in_size, data->out, data->out_size);
	if (status == STATUS_PENDING) {
		WaitForSingleObject(event, INFINITE);
		status = result.Status;
	}
	if (place != &result && status != STATUS_ACCESS_VIOLATION) {
		printf("# status %#lx without a place for it\n", (unsigned long)status);
		wrong++;
	}
	if (!status && (result.Status || (event && WaitForSingleObject(event, 0)))) {
		printf("# a native call has no result\n");
		wrong++;
	}
	if (event)
		CloseHandle(event);
	*returned = (DWORD)result.Information;
	if (NT_SUCCESS(status))
		native_accepted++;
	else
		native_refused++;
	return RtlNtStatusToDosError(status);
}

DWORD check_call(HANDLE handle, DWORD code, void *in, ULONG in_size, void *out, ULONG out_size,
		 bool writes)
{
	struct call_data data = { in, in_size, out, out_size };
	unsigned char *before = writes ? exactly(out, out_size) : NULL;
	DWORD returned = 0, error = 0;

	if (one_in(4))
		error = call_natively(handle, code, &data, &returned);
	else if (!DeviceIoControl(handle, code, in, in_size, out, out_size, &returned, NULL))
		error = GetLastError();
	if (error && out && before && memcmp(before, out, out_size)) {
		printf("# error %lu has written its result\n", (unsigned long)error);
		wrong++;
	}
	if (!error && returned > out_size) {
		printf("# %lu bytes were returned in %lu\n", (unsigned long)returned,
		       (unsigned long)out_size);
		wrong++;
	}
	if (error == ERROR_GEN_FAILURE) {
		printf("# an error without a code\n");
		wrong++;
	}
	free(before);
	count_call(!error);
	return error;
}
