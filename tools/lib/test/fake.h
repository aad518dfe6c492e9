/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of the kernel module in user space, for testing libks without one.
 * It is linked between libks and libc (ld --wrap), plays one camera with one
 * connection and one allocator, each of which may have several open files, and can
 * fail any call that libks makes.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <sys/types.h>

#include <ks/ks.h>

#define FAKE_FRAMES 16
/* The number of the one event that there is */
#define FAKE_EVENT 7

enum fake_owner {
	FAKE_FREE,
	FAKE_ALLOCATED,
	FAKE_IN_DEVICE,
};

struct fake {
	/* What the camera says and does */
	struct ksallocator_framing needs;
	bool gone;
	__u32 data_start;
	__u32 data_used;

	/* What has become of the objects */
	int open_files;
	int mappings;
	int blocks;
	enum ksstate state;
	bool assigned;
	struct ksallocator_framing framing;
	enum fake_owner owner[FAKE_FRAMES];
	/* While allocated: the open file that holds it */
	int holder[FAKE_FRAMES];
	int access[FAKE_FRAMES];
	__u32 queue[FAKE_FRAMES];
	unsigned int queued;
	__u32 sequence;
	/* Frames that a thread had to queue, because no descriptor was named */
	unsigned int by_thread;

	/* The last call of each kind */
	char path[512];
	int path_flags;
	unsigned long request;
	int request_fd;
	union {
		__u32 size;
		struct ksalloc_complete complete;
		struct ksalloc_alloc alloc;
		struct ksalloc_submit submit;
		struct ksalloc_reset_state reset;
		struct ksalloc_enable_event enable;
		unsigned char bytes[256];
	} arg;

	/* Failing: the call that counts fail_at down to 0 fails */
	int fail_at;
	int calls;
	int fail_errno;
	int sync_errno;
	int sync_errors;
};

extern struct fake fake;

/* Begin anew: nothing open, a camera that needs two frames of 5000 bytes */
void fake_reset(void);
/* Let the n-th call from now fail; 0 lets none fail */
void fake_fail(int n);
/* Whether nothing is open, mapped or allocated */
bool fake_is_clean(void);
unsigned int fake_frames_in(enum fake_owner owner);

/* What ld --wrap puts between libks and libc, and what is behind it */
int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *addr, size_t length);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *p);
int __real_close(int fd);
void *__real_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *addr, size_t length);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *p);

#endif /* FAKE_H */
