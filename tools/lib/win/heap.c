// SPDX-License-Identifier: GPL-2.0-only
/* Memory of LocalAlloc(), GlobalAlloc() and HeapAlloc(), and pages of VirtualAlloc(). */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "win.h"

static void *out_of_memory(void *memory)
{
	if (!memory)
		SetLastError(ERROR_NOT_ENOUGH_MEMORY);
	return memory;
}

/* In front of the memory: the size that the client asked for. It keeps the alignment */
union head {
	size_t bytes;
	/* cppcheck-suppress unusedStructMember */
	max_align_t alignment;
};

static union head *head_of(const void *memory)
{
	return memory ? (union head *)memory - 1 : NULL;
}

/* The address for the client */
static void *with_size(union head *head, SIZE_T bytes)
{
	if (!head)
		return out_of_memory(NULL);
	head->bytes = bytes;
	return head + 1;
}

static size_t with_head(SIZE_T bytes)
{
	return bytes <= SIZE_MAX - sizeof(union head) ? sizeof(union head) + bytes : SIZE_MAX;
}

static void *allocate(bool zero, SIZE_T bytes)
{
	return with_size(zero ? calloc(1, with_head(bytes)) : malloc(with_head(bytes)), bytes);
}

static void *reallocate(void *memory, bool zero, SIZE_T bytes)
{
	size_t before = memory ? head_of(memory)->bytes : 0;
	void *new = with_size(realloc(head_of(memory), with_head(bytes)), bytes);

	if (new && zero && bytes > before)
		memset((char *)new + before, 0, bytes - before);
	return new;
}

static SIZE_T size_of(const void *memory)
{
	if (!memory)
		SetLastError(ERROR_INVALID_HANDLE);
	return memory ? head_of(memory)->bytes : 0;
}

WIN_API HLOCAL LocalAlloc(UINT flags, SIZE_T bytes)
{
	return allocate(flags & LMEM_ZEROINIT, bytes);
}

WIN_API HLOCAL LocalReAlloc(HLOCAL memory, SIZE_T bytes, UINT flags)
{
	return reallocate(memory, flags & LMEM_ZEROINIT, bytes);
}

WIN_API SIZE_T LocalSize(HLOCAL memory)
{
	return size_of(memory);
}

WIN_API LPVOID LocalLock(HLOCAL memory)
{
	return memory;
}

/* FALSE: the memory has no locks left */
WIN_API BOOL LocalUnlock(HLOCAL memory)
{
	(void)memory;
	SetLastError(NO_ERROR);
	return FALSE;
}

WIN_API HLOCAL LocalFree(HLOCAL memory)
{
	free(head_of(memory));
	return NULL;
}

WIN_API HGLOBAL GlobalAlloc(UINT flags, SIZE_T bytes)
{
	return allocate(flags & GMEM_ZEROINIT, bytes);
}

WIN_API HGLOBAL GlobalReAlloc(HGLOBAL memory, SIZE_T bytes, UINT flags)
{
	return reallocate(memory, flags & GMEM_ZEROINIT, bytes);
}

WIN_API SIZE_T GlobalSize(HGLOBAL memory)
{
	return size_of(memory);
}

WIN_API LPVOID GlobalLock(HGLOBAL memory)
{
	return memory;
}

WIN_API BOOL GlobalUnlock(HGLOBAL memory)
{
	return LocalUnlock(memory);
}

WIN_API HGLOBAL GlobalFree(HGLOBAL memory)
{
	free(head_of(memory));
	return NULL;
}

WIN_API HANDLE GetProcessHeap(void)
{
	/* No handle of the table: those are multiples of four */
	return (HANDLE)2;
}

WIN_API LPVOID HeapAlloc(HANDLE heap, DWORD flags, SIZE_T bytes)
{
	if (heap != GetProcessHeap()) {
		win_result(-EBADF);
		return NULL;
	}
	return allocate(flags & HEAP_ZERO_MEMORY, bytes);
}

WIN_API LPVOID HeapReAlloc(HANDLE heap, DWORD flags, LPVOID memory, SIZE_T bytes)
{
	if (heap != GetProcessHeap() || !memory) {
		win_result(-EBADF);
		return NULL;
	}
	return reallocate(memory, flags & HEAP_ZERO_MEMORY, bytes);
}

WIN_API SIZE_T HeapSize(HANDLE heap, DWORD flags, LPCVOID memory)
{
	(void)heap;
	(void)flags;
	return memory ? head_of(memory)->bytes : (SIZE_T)-1;
}

WIN_API BOOL HeapFree(HANDLE heap, DWORD flags, LPVOID memory)
{
	(void)flags;
	if (heap != GetProcessHeap())
		return win_result(-EBADF);
	free(head_of(memory));
	return TRUE;
}

/* Pages. munmap() needs the size, so regions are recorded. */

struct region {
	struct region *next;
	char *start;
	size_t bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region *regions;

static size_t page_mask(void)
{
	return (size_t)sysconf(_SC_PAGESIZE) - 1;
}

static int protection_of(DWORD protection)
{
	switch (protection) {
	case PAGE_NOACCESS:
		return PROT_NONE;
	case PAGE_READONLY:
		return PROT_READ;
	case PAGE_READWRITE:
		return PROT_READ | PROT_WRITE;
	default:
		return -EINVAL;
	}
}

/* The region with all of these pages */
static struct region *region_of(const char *start, size_t bytes)
{
	struct region *region;

	for (region = regions; region; region = region->next)
		if (start >= region->start && bytes <= region->bytes &&
		    (size_t)(start - region->start) <= region->bytes - bytes)
			return region;
	return NULL;
}

static void *map(void *address, size_t bytes, int protection)
{
	struct region *region = malloc(sizeof(*region));
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (address ? MAP_FIXED_NOREPLACE : 0);

	if (!region)
		return NULL;
	region->start = mmap(address, bytes, protection, flags, -1, 0);
	/* An old kernel takes the address for a hint */
	if (region->start != MAP_FAILED && address && region->start != address) {
		munmap(region->start, bytes);
		region->start = MAP_FAILED;
		errno = EEXIST;
	}
	if (region->start == MAP_FAILED) {
		free(region);
		return NULL;
	}
	region->bytes = bytes;
	region->next = regions;
	regions = region;
	return region->start;
}

WIN_API LPVOID VirtualAlloc(LPVOID address, SIZE_T bytes, DWORD type, DWORD protection)
{
	int access = protection_of(protection);
	size_t mask = page_mask(), offset = (uintptr_t)address & mask;
	char *start = (char *)address - offset;
	void *memory = NULL;

	type &= ~(DWORD)MEM_TOP_DOWN;
	if (!bytes || bytes > SIZE_MAX - mask - offset || access < 0 || !type ||
	    type & ~(DWORD)(MEM_COMMIT | MEM_RESERVE)) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	bytes = (bytes + offset + mask) & ~mask;
	pthread_mutex_lock(&lock);
	if (type == MEM_COMMIT && start && region_of(start, bytes)) {
		if (!mprotect(start, bytes, access))
			memory = start;
	} else if (type == MEM_COMMIT && start) {
		errno = EEXIST;
	} else {
		memory = map(start, bytes, type & MEM_COMMIT ? access : PROT_NONE);
	}
	if (!memory)
		SetLastError(errno == EEXIST ? ERROR_INVALID_ADDRESS : ERROR_NOT_ENOUGH_MEMORY);
	pthread_mutex_unlock(&lock);
	return memory;
}

static bool release(char *start)
{
	struct region **link, *region;

	for (link = &regions; (region = *link); link = &region->next) {
		if (region->start != start)
			continue;
		*link = region->next;
		munmap(region->start, region->bytes);
		free(region);
		return true;
	}
	return false;
}

/* Decommitted pages lose their contents, and can be committed again */
static bool decommit(char *start, size_t bytes)
{
	const struct region *region = region_of(start, bytes);

	if (!region)
		return false;
	if (!bytes && start == region->start)
		bytes = region->bytes;
	return !madvise(start, bytes, MADV_DONTNEED) && !mprotect(start, bytes, PROT_NONE);
}

WIN_API BOOL VirtualFree(LPVOID address, SIZE_T bytes, DWORD type)
{
	size_t mask = page_mask(), offset = (uintptr_t)address & mask;
	bool done;

	if ((type == MEM_RELEASE && bytes) || (type != MEM_RELEASE && type != MEM_DECOMMIT) ||
	    bytes > SIZE_MAX - mask - offset) {
		SetLastError(ERROR_INVALID_PARAMETER);
		return FALSE;
	}
	pthread_mutex_lock(&lock);
	done = type == MEM_RELEASE ? release(address) :
	       decommit((char *)address - offset, (bytes + offset + mask) & ~mask);
	pthread_mutex_unlock(&lock);
	if (!done)
		SetLastError(ERROR_INVALID_ADDRESS);
	return done;
}
