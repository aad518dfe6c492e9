/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of the kernel module in user space, to test libks without the module. It is
 * linked between libks and libc (ld --wrap). It has one camera with one connection, one
 * allocator and one reader, each of which can have several open files. It can make any call of
 * libks fail.
 */
#ifndef FAKE_H
#define FAKE_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <ks/ks.h>

#define FAKE_FRAMES 16
#define FAKE_HEAPS 4
/* The number of the only event */
#define FAKE_EVENT 7

enum fake_owner {
	FAKE_FREE,
	FAKE_ALLOCATED,
	FAKE_IN_DEVICE,
};

/* Memory of frames: heaps have the numbers 0 to FAKE_HEAPS - 1 */
enum fake_memory {
	FAKE_UDMABUF = FAKE_HEAPS,
	FAKE_DEVICE,
	FAKE_MEMORIES,
};

struct fake {
	/* Names of the heaps, in the order of the directory */
	const char *heaps[FAKE_HEAPS];
	/* errno of open() and of an allocation of this memory; 0 if it works */
	int open_errno[FAKE_MEMORIES];
	int alloc_errno[FAKE_MEMORIES];
	/* RLIMIT_FSIZE; 0 for none */
	rlim_t file_limit;
	/* Number of dma-bufs that can be allocated before alloc_errno */
	unsigned int room[FAKE_MEMORIES];
	/* What the camera does with frames of this memory in ACQUIRE */
	struct {
		enum ksalloc_refusal reason;
		__u32 frame;
		int driver_error;
		int error;
	} refuses[FAKE_MEMORIES];

	/* Properties and behaviour of the camera */
	struct ksallocator_framing needs;
	/* Memory planes of its frames; zero is the same as one plane of the frame size */
	struct ksalloc_planes planes;
	bool gone;
	/* Its own memory can be had */
	bool lends_memory;
	__u32 data_start;
	__u32 data_used;
	/* The same for each plane, if there are several */
	struct ksalloc_plane_data data[KSALLOC_MAX_PLANES];

	/* State of the objects */
	int open_files;
	int mappings;
	int memfd_mappings;
	int blocks;
	enum ksstate state;
	bool assigned;
	/* The frames of the stream circulate */
	bool circulates;
	/* The memory of the allocator, and the refusal of the last ACQUIRE */
	enum fake_memory memory;
	struct ks_refusal refusal;
	struct ksallocator_framing framing;
	enum fake_owner owner[FAKE_FRAMES];
	/* While allocated: the open file that holds it */
	int holder[FAKE_FRAMES];
	/* Accesses to all planes of a frame */
	int access[FAKE_FRAMES];
	__u32 queue[FAKE_FRAMES];
	unsigned int queued;
	__u32 sequence;
	/*
	 * The reader: the generation of its frames, the frames that it has taken, and the losses of
	 * the next frame. If @changes is not 0, each export decrements it. When it becomes 0, the
	 * generation changes
	 */
	__u64 generation;
	bool taken[FAKE_FRAMES];
	__u32 lost;
	__u32 revoked;
	int changes;
	/* Sizes of the last dma-bufs from heaps */
	size_t sizes[4 * FAKE_FRAMES];
	unsigned int allocated;
	/* Number of frames that were submitted without a descriptor */
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
		struct ksalloc_set_state set_state;
		struct ksalloc_reader_open reader_open;
		struct ksalloc_exchange exchange;
		struct ksalloc_cancel cancel;
		unsigned char bytes[256];
	} arg;

	/* Failures: the call that decrements fail_at to 0 fails */
	int fail_at;
	int calls;
	int fail_errno;
	int sync_errno;
	int sync_errors;
};

extern struct fake fake;

/* Resets everything: no open files, a camera that needs two frames of 5000 bytes */
void fake_reset(void);
/* Begins the next generation, as if another allocator were assigned */
void fake_new_generation(void);
/* Number of frames that the reader has taken */
unsigned int fake_frames_taken(void);
/* Makes the n-th call from now fail; 0 for none */
void fake_fail(int n);
/* Whether nothing is open, mapped or allocated */
bool fake_is_clean(void);
unsigned int fake_frames_in(enum fake_owner owner);

/* The functions that ld --wrap calls instead of libc, and those of libc */
int __wrap_open(const char *path, int flags, ...);
int __wrap_scandir(const char *path, struct dirent ***list,
		   int (*filter)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **));
int __wrap_memfd_create(const char *name, unsigned int flags);
int __wrap_ftruncate(int fd, off_t length);
int __wrap_getrlimit(int resource, struct rlimit *limit);
int __wrap_fcntl(int fd, int command, ...);
int __real_memfd_create(const char *name, unsigned int flags);
int __real_ftruncate(int fd, off_t length);
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
