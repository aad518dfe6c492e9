// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds memory that a device can use: tries one kind after another on the device itself.
 *
 * An attempt ends where it fails, and what it made is freed. Then the next kind is tried, unless
 * the error does not depend on the memory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include <ks/ks.h>

#include "internal.h"

/* The heap whose memory every device without special needs can use */
#define USUAL_HEAP "system"

/**
 * struct search - a search for memory
 * @connection: the connection
 * @framing: framing of the allocator
 * @planes: its memory planes, whose sum is the frame size
 * @imports: whether the device can import dma-bufs, as far as is known
 * @all: also try other memory when some works, and keep none
 * @maps_memfds: whether memfds stay mapped
 * @allocator: the allocator that is kept, or -1
 * @maps: memfds of the current attempt or of @allocator that are mapped; NULL for none
 * @report: the attempts
 */
struct search {
	int connection;
	struct ksallocator_framing framing;
	struct ksalloc_planes planes;
	bool imports;
	bool all;
	bool maps_memfds;
	int allocator;
	struct libks_maps *maps;
	struct ks_memory_report *report;
};

static size_t whole_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

LIBKS_API int ks_heap_alloc(int heap, size_t bytes)
{
	struct dma_heap_allocation_data data = {
		.len = bytes,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	return ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) ? -errno : (int)data.fd;
}

/* With a larger file, the kernel would end the program by SIGXFSZ */
static bool is_too_large_a_file(size_t bytes)
{
	struct rlimit limit;

	return !getrlimit(RLIMIT_FSIZE, &limit) && bytes > limit.rlim_cur;
}

/* udmabuf needs a file that cannot shrink, and that can be written to */
static int make_udmabuf(int udmabuf, int memfd, size_t bytes)
{
	struct udmabuf_create create = {
		.memfd = (__u32)memfd,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = bytes,
	};
	int ret;

	if (is_too_large_a_file(bytes))
		return -EFBIG;
	if (ftruncate(memfd, (off_t)bytes) || fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	ret = ioctl(udmabuf, UDMABUF_CREATE, &create);
	return ret < 0 ? -errno : ret;
}

/* If this fails, the dma-buf is mapped instead. Neither mapping is in a core dump */
static void map_memfd(struct libks_maps *maps, size_t at, int memfd, size_t bytes)
{
	void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);

	if (data == MAP_FAILED)
		return;
	madvise(data, bytes, MADV_DONTDUMP);
	maps->map[at].data = data;
	maps->map[at].bytes = bytes;
}

void libks_free_maps(struct libks_maps *maps)
{
	size_t i;

	if (!maps)
		return;
	for (i = 0; i < maps->count; i++)
		if (maps->map[i].data)
			munmap(maps->map[i].data, maps->map[i].bytes);
	free(maps);
}

static int alloc_udmabuf(int udmabuf, size_t bytes, struct libks_maps *maps, size_t at)
{
	int memfd = memfd_create("ksalloc", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret;

	if (memfd < 0)
		return -errno;
	bytes = whole_pages(bytes);
	ret = make_udmabuf(udmabuf, memfd, bytes);
	if (ret >= 0 && maps)
		map_memfd(maps, at, memfd, bytes);
	close(memfd);
	return ret;
}

LIBKS_API int ks_udmabuf_alloc(int udmabuf, size_t bytes)
{
	return alloc_udmabuf(udmabuf, bytes, NULL, 0);
}

static enum ks_memory_help help_for_open(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return LIBKS_HELP_PERMISSION;
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return LIBKS_HELP_KERNEL;
	default:
		return LIBKS_HELP_NONE;
	}
}

static enum ks_memory_help help_for_allocate(enum ks_memory_kind kind, int error)
{
	switch (error) {
	case -ENOMEM:
	case -EFBIG:
		return LIBKS_HELP_LESS;
	case -EINVAL:
		/* The limit of udmabuf for a dma-buf; or a file that is not a heap */
		return kind == LIBKS_MEMORY_UDMABUF ? LIBKS_HELP_LESS : LIBKS_HELP_OTHER_MEMORY;
	case -ENOTTY:
		return LIBKS_HELP_OTHER_MEMORY;
	default:
		return LIBKS_HELP_NONE;
	}
}

static enum ks_memory_help help_for_create(int error)
{
	switch (error) {
	case -ENOMEM:
		return LIBKS_HELP_LESS;
	case -EOPNOTSUPP:
		return LIBKS_HELP_OTHER_MEMORY;
	case -EBUSY:
		return LIBKS_HELP_LATER;
	default:
		return LIBKS_HELP_NONE;
	}
}

static enum ks_memory_help help_for_refusal(const struct ks_memory_attempt *attempt, int error)
{
	switch (attempt->refusal) {
	case KSALLOC_REFUSAL_IMPORT:
		return LIBKS_HELP_OTHER_MEMORY;
	case KSALLOC_REFUSAL_COUNT:
		return LIBKS_HELP_LESS;
	case KSALLOC_REFUSAL_MAP:
		if (error == -ENOMEM)
			return LIBKS_HELP_LESS;
		/* What videobuf2 returns for memory that is not contiguous */
		return error == -EFAULT ? LIBKS_HELP_CONTIGUOUS : LIBKS_HELP_OTHER_MEMORY;
	default:
		return attempt->error == -EBUSY ? LIBKS_HELP_LATER : LIBKS_HELP_NONE;
	}
}

static int failed(struct ks_memory_attempt *attempt, enum ks_memory_step step, int error,
		  enum ks_memory_help help)
{
	attempt->step = step;
	attempt->error = error;
	attempt->help = help;
	return error;
}

static int refused(struct search *search, struct ks_memory_attempt *attempt, int error)
{
	struct ks_refusal refusal;

	failed(attempt, LIBKS_MEMORY_ACQUIRE, error, LIBKS_HELP_NONE);
	if (ks_get_refusal(search->connection, &refusal))
		return error;
	attempt->refusal = refusal.reason;
	attempt->frame = refusal.frame;
	attempt->help = help_for_refusal(attempt, refusal.error);
	if (refusal.reason == KSALLOC_REFUSAL_IMPORT)
		search->imports = false;
	return error;
}

/* Assigns the allocator, and lets the device map its frames */
static int prove(struct search *search, struct ks_memory_attempt *attempt, int allocator)
{
	int ret;

	ret = ks_set_allocator(search->connection, allocator);
	if (ret)
		return failed(attempt, LIBKS_MEMORY_CREATE, ret, help_for_create(ret));
	ret = ks_set_state(search->connection, KSSTATE_ACQUIRE);
	if (ret) {
		refused(search, attempt, ret);
		ks_set_allocator(search->connection, -1);
		return ret;
	}
	ret = ks_set_state(search->connection, KSSTATE_STOP);
	if (ret)
		return failed(attempt, LIBKS_MEMORY_ACQUIRE, ret, LIBKS_HELP_NONE);
	attempt->step = LIBKS_MEMORY_WORKS;
	return 0;
}

/* Takes over the allocator */
static int prove_and_keep(struct search *search, struct ks_memory_attempt *attempt, int allocator)
{
	int ret = prove(search, attempt, allocator);

	if (!ret && !search->all) {
		search->allocator = allocator;
		return 0;
	}
	if (!ret)
		ks_set_allocator(search->connection, -1);
	close(allocator);
	return ret;
}

static int import_frames(struct search *search, struct ks_memory_attempt *attempt,
			 const int *dmabufs)
{
	struct ksallocator_framing framing = search->framing;
	int allocator;

	framing.options_flags |= KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
	allocator = ks_import_allocator(search->connection, &framing, dmabufs,
					framing.frames * search->planes.count);
	if (allocator < 0)
		return failed(attempt, LIBKS_MEMORY_CREATE, allocator, help_for_create(allocator));
	return prove_and_keep(search, attempt, allocator);
}

static int allocate_plane(const struct search *search, const struct ks_memory_attempt *attempt,
			  int source, __u32 at)
{
	size_t bytes = search->planes.sizes[at % search->planes.count];

	if (attempt->kind == LIBKS_MEMORY_UDMABUF)
		return alloc_udmabuf(source, bytes, search->maps, at);
	return ks_heap_alloc(source, bytes);
}

static int begin_maps(struct search *search, const struct ks_memory_attempt *attempt, __u32 count)
{
	if (attempt->kind != LIBKS_MEMORY_UDMABUF || !search->maps_memfds)
		return 0;
	search->maps = calloc(1, sizeof(*search->maps) + count * sizeof(search->maps->map[0]));
	if (!search->maps)
		return -ENOMEM;
	search->maps->count = count;
	return 0;
}

/*
 * The system heap has no limit, and neither has udmabuf of new kernels. They would allocate all
 * memory of the machine, and the kernel would kill other programs
 */
static bool is_too_much(const struct ksallocator_framing *framing)
{
	__u64 machine = (__u64)sysconf(_SC_PHYS_PAGES) * (__u64)sysconf(_SC_PAGESIZE);

	return (__u64)framing->frames * framing->frame_size > machine / 2;
}

static int try_frames(struct search *search, struct ks_memory_attempt *attempt, int source)
{
	__u32 planes = search->planes.count;
	__u32 count = search->framing.frames * planes, i;
	int *dmabufs;
	int ret = 0;

	if (is_too_much(&search->framing))
		return failed(attempt, LIBKS_MEMORY_ALLOCATE, -ENOMEM, LIBKS_HELP_LESS);
	dmabufs = calloc(count, sizeof(*dmabufs));
	if (!dmabufs || begin_maps(search, attempt, count)) {
		free(dmabufs);
		return failed(attempt, LIBKS_MEMORY_ALLOCATE, -ENOMEM, LIBKS_HELP_LESS);
	}
	for (i = 0; i < count; i++) {
		ret = allocate_plane(search, attempt, source, i);
		if (ret < 0)
			break;
		dmabufs[i] = ret;
	}
	attempt->frame = i / planes;
	if (ret < 0) {
		failed(attempt, LIBKS_MEMORY_ALLOCATE, ret,
		       help_for_allocate(attempt->kind, ret));
	} else {
		attempt->frame = 0;
		ret = import_frames(search, attempt, dmabufs);
	}
	while (i)
		close(dmabufs[--i]);
	free(dmabufs);
	if (ret < 0) {
		libks_free_maps(search->maps);
		search->maps = NULL;
	}
	return ret;
}

static int try_import(struct search *search, struct ks_memory_attempt *attempt)
{
	int source, ret;

	source = attempt->kind == LIBKS_MEMORY_UDMABUF ? ks_open(LIBKS_UDMABUF_DEVICE) :
							 ks_open_heap(attempt->name);
	if (source < 0)
		return failed(attempt, LIBKS_MEMORY_OPEN, source, help_for_open(source));
	/* Only the heaps and this device show whether they can be opened */
	if (!search->imports) {
		ret = failed(attempt, LIBKS_MEMORY_CREATE, -EOPNOTSUPP, LIBKS_HELP_OTHER_MEMORY);
		attempt->refusal = KSALLOC_REFUSAL_IMPORT;
	} else {
		ret = try_frames(search, attempt, source);
	}
	close(source);
	return ret;
}

static int try_device_memory(struct search *search, struct ks_memory_attempt *attempt)
{
	struct ksallocator_framing framing = search->framing;
	int allocator;

	framing.options_flags &= ~(__u32)KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
	allocator = ks_create_allocator(search->connection, &framing, -1);
	if (allocator < 0)
		return failed(attempt, LIBKS_MEMORY_CREATE, allocator, help_for_create(allocator));
	return prove_and_keep(search, attempt, allocator);
}

/* Whether the error of an attempt says nothing about other memory */
static bool is_about_memory(const struct ks_memory_attempt *attempt)
{
	switch (attempt->step) {
	case LIBKS_MEMORY_OPEN:
	case LIBKS_MEMORY_ALLOCATE:
		return attempt->error != -EINTR && attempt->error != -EMFILE &&
		       attempt->error != -ENFILE;
	case LIBKS_MEMORY_CREATE:
		return attempt->error == -EOPNOTSUPP || attempt->error == -ENOMEM;
	case LIBKS_MEMORY_ACQUIRE:
		return attempt->refusal == KSALLOC_REFUSAL_IMPORT ||
		       attempt->refusal == KSALLOC_REFUSAL_COUNT ||
		       attempt->refusal == KSALLOC_REFUSAL_MAP;
	default:
		return true;
	}
}

static struct ks_memory_attempt *new_attempt(struct search *search, enum ks_memory_kind kind,
					     const char *name)
{
	struct ks_memory_report *report = search->report;
	struct ks_memory_attempt *attempt = &report->attempt[report->count++];

	memset(attempt, 0, sizeof(*attempt));
	attempt->kind = kind;
	snprintf(attempt->name, sizeof(attempt->name), "%s", name);
	return attempt;
}

/* Whether the search shall go on */
static bool try_memory(struct search *search, enum ks_memory_kind kind, const char *name)
{
	struct ks_memory_attempt *attempt = new_attempt(search, kind, name);
	int ret;

	ret = kind == LIBKS_MEMORY_DEVICE ? try_device_memory(search, attempt) :
					    try_import(search, attempt);
	return ret ? is_about_memory(attempt) : search->all;
}

static int is_heap(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int usual_heap_first(const struct dirent **a, const struct dirent **b)
{
	bool usual_a = !strcmp((*a)->d_name, USUAL_HEAP);
	bool usual_b = !strcmp((*b)->d_name, USUAL_HEAP);

	return usual_a != usual_b ? usual_b - usual_a : strcmp((*a)->d_name, (*b)->d_name);
}

/* Leaves room for udmabuf and the device's own memory */
static bool try_heaps(struct search *search)
{
	const __u32 room = LIBKS_MEMORY_ATTEMPTS - 2;
	struct dirent **heaps = NULL;
	bool go_on = true;
	int count, i;

	count = scandir(LIBKS_HEAP_DIR, &heaps, is_heap, usual_heap_first);
	if (count <= 0) {
		int error = count ? -errno : -ENOENT;

		failed(new_attempt(search, LIBKS_MEMORY_HEAP, ""), LIBKS_MEMORY_OPEN, error,
		       help_for_open(error));
	}
	for (i = 0; i < count; i++) {
		if (go_on && search->report->count < room)
			go_on = try_memory(search, LIBKS_MEMORY_HEAP, heaps[i]->d_name);
		free(heaps[i]);
	}
	free(heaps);
	return go_on;
}

static bool try_named(struct search *search, const char *name)
{
	enum ks_memory_kind kind = LIBKS_MEMORY_HEAP;

	if (!strcmp(name, LIBKS_UDMABUF))
		kind = LIBKS_MEMORY_UDMABUF;
	else if (!strcmp(name, LIBKS_DEVICE_MEMORY))
		kind = LIBKS_MEMORY_DEVICE;
	return try_memory(search, kind, name);
}

/* Divides the frame size among the planes of the device, as the module does */
static void divide(__u32 frame_size, struct ksalloc_planes *planes)
{
	__u32 rest = frame_size, i;
	__u64 sum = 0;

	for (i = 0; i < planes->count; i++)
		sum += planes->sizes[i];
	for (i = 1; i < planes->count && sum; i++) {
		planes->sizes[i] = (__u32)((__u64)frame_size * planes->sizes[i] / sum);
		rest -= planes->sizes[i];
	}
	planes->sizes[0] = rest;
}

/* Takes from the requirements of the device what the caller does not demand */
static int begin(struct search *search, const struct ksallocator_framing *framing)
{
	struct ksallocator_framing device;
	int ret;

	ret = ks_get_framing(search->connection, &device);
	if (ret)
		return ret;
	search->imports = device.requirements_flags & KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY;
	search->framing = *framing;
	if (!framing->frames)
		search->framing.frames = device.frames;
	if (!framing->frame_size)
		search->framing.frame_size = device.frame_size;
	if (!search->framing.frames || !search->framing.frame_size)
		return -EINVAL;
	ret = ks_get_planes(search->connection, &search->planes);
	if (ret)
		return ret;
	if (search->planes.count > KSALLOC_MAX_PLANES)
		return -EIO;
	divide(search->framing.frame_size, &search->planes);
	return search->framing.frames > KSALLOC_MAX_FRAMES ? -E2BIG : 0;
}

/* Whether the search shall go on */
static bool search_all(struct search *search, const char *name)
{
	if (name)
		return try_named(search, name);
	return try_heaps(search) &&
	       try_memory(search, LIBKS_MEMORY_UDMABUF, LIBKS_UDMABUF) &&
	       try_memory(search, LIBKS_MEMORY_DEVICE, LIBKS_DEVICE_MEMORY);
}

/* The attempt that ended the search, or came furthest */
static int error_of(const struct ks_memory_report *report)
{
	const struct ks_memory_attempt *attempt, *best = &report->attempt[0];

	attempt = &report->attempt[report->count - 1];
	if (!is_about_memory(attempt))
		return attempt->error;
	for (attempt = best; attempt < report->attempt + report->count; attempt++)
		if (attempt->step > best->step)
			best = attempt;
	return best->error;
}

int libks_find_memory(int connection, const struct ksallocator_framing *framing,
		      const char *name, struct ks_memory_report *report, struct libks_maps **maps)
{
	struct ks_memory_report own_report = { .count = 0 };
	struct search search = {
		.connection = connection,
		.maps_memfds = maps,
		.allocator = -1,
		.report = report ? report : &own_report,
	};
	int ret;

	if (maps)
		*maps = NULL;
	search.report->count = 0;
	if (name && strlen(name) >= LIBKS_MEMORY_NAME)
		return -ENAMETOOLONG;
	ret = begin(&search, framing);
	if (ret)
		return ret;
	search_all(&search, name);
	if (maps)
		*maps = search.maps;
	return search.allocator >= 0 ? search.allocator : error_of(search.report);
}

LIBKS_API int ks_find_memory(int connection, const struct ksallocator_framing *framing,
			     const char *name, struct ks_memory_report *report)
{
	return libks_find_memory(connection, framing, name, report, NULL);
}

LIBKS_API int ks_try_memory(int connection, const struct ksallocator_framing *framing,
			    struct ks_memory_report *report)
{
	struct search search = {
		.connection = connection,
		.all = true,
		.allocator = -1,
		.report = report,
	};
	int ret;

	report->count = 0;
	ret = begin(&search, framing);
	if (ret)
		return ret;
	return search_all(&search, NULL) ? 0 : error_of(report);
}
