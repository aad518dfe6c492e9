// SPDX-License-Identifier: GPL-2.0-only
/*
 * Critical sections: locks that a thread can take several times. LockCount is the state of the
 * lock, for which threads wait in the kernel.
 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "win.h"

#define IS_FREE (-1)
#define IS_HELD 0
/* It is held, and a thread may wait for it */
#define IS_WANTED 1

#define SPIN_COUNT_BITS 0x00ffffffu

static HANDLE self(void)
{
	return (HANDLE)(ULONG_PTR)GetCurrentThreadId();
}

/* No other thread can write the ID of the calling thread, so the answer for it is certain */
static bool is_mine(const CRITICAL_SECTION *section)
{
	return __atomic_load_n(&section->OwningThread, __ATOMIC_RELAXED) == self();
}

static void take(CRITICAL_SECTION *section)
{
	__atomic_store_n(&section->OwningThread, self(), __ATOMIC_RELAXED);
	section->RecursionCount = 1;
}

static bool try_state(CRITICAL_SECTION *section)
{
	LONG state = IS_FREE;

	return __atomic_compare_exchange_n(&section->LockCount, &state, IS_HELD, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

WIN_API BOOL InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spins, DWORD flags)
{
	if (!section || flags & ~CRITICAL_SECTION_NO_DEBUG_INFO || spins & ~SPIN_COUNT_BITS)
		return win_result(-EINVAL);
	*section = (CRITICAL_SECTION) { .LockCount = IS_FREE, .SpinCount = spins };
	return TRUE;
}

WIN_API BOOL InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spins)
{
	return InitializeCriticalSectionEx(section, spins & SPIN_COUNT_BITS, 0);
}

WIN_API VOID InitializeCriticalSection(LPCRITICAL_SECTION section)
{
	InitializeCriticalSectionEx(section, 0, 0);
}

WIN_API VOID DeleteCriticalSection(LPCRITICAL_SECTION section)
{
	*section = (CRITICAL_SECTION) { .LockCount = IS_FREE };
}

WIN_API BOOL TryEnterCriticalSection(LPCRITICAL_SECTION section)
{
	if (is_mine(section)) {
		section->RecursionCount++;
		return TRUE;
	}
	if (!try_state(section))
		return FALSE;
	take(section);
	return TRUE;
}

WIN_API VOID EnterCriticalSection(LPCRITICAL_SECTION section)
{
	LONG *state = &section->LockCount;

	if (TryEnterCriticalSection(section))
		return;
	/* Whoever has waited leaves it as wanted, because others may still wait */
	while (__atomic_exchange_n(state, IS_WANTED, __ATOMIC_ACQUIRE) != IS_FREE)
		syscall(SYS_futex, state, FUTEX_WAIT_PRIVATE, IS_WANTED, NULL, NULL, 0);
	take(section);
}

WIN_API VOID LeaveCriticalSection(LPCRITICAL_SECTION section)
{
	LONG *state = &section->LockCount;

	if (!is_mine(section) || --section->RecursionCount)
		return;
	__atomic_store_n(&section->OwningThread, NULL, __ATOMIC_RELAXED);
	if (__atomic_exchange_n(state, IS_FREE, __ATOMIC_RELEASE) == IS_WANTED)
		syscall(SYS_futex, state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
