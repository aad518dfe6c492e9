// SPDX-License-Identifier: GPL-2.0-only
/* The model that fake.h describes. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <linux/videodev2.h>

#include "fake.h"
#include "tap.h"

#define MAX_FILES 256

enum kind {
	NO_FILE,
	KS,
	HEAP,
	CONNECTION,
	ALLOCATOR,
	DMABUF,
	UDMABUF,
	MEMFD,
	READER,
};

struct fake fake;
static enum kind kinds[MAX_FILES];
static __u32 frame_of[MAX_FILES];
static enum fake_memory memory_of[MAX_FILES];

void fake_reset(void)
{
	int fd;

	for (fd = 0; fd < MAX_FILES; fd++) {
		if (kinds[fd])
			__real_close(fd);
		kinds[fd] = NO_FILE;
	}
	memset(&fake, 0, sizeof(fake));
	fake.needs = (struct ksallocator_framing) {
		.requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY,
		.frames = 2,
		.frame_size = 5000,
		.file_alignment = 63,
	};
	fake.data_used = 4900;
	fake.generation = 1;
	fake.heaps[0] = "system";
	fake.open_errno[FAKE_UDMABUF] = ENOENT;
}

void fake_fail(int n)
{
	fake.fail_at = n;
}

bool fake_is_clean(void)
{
	return !fake.open_files && !fake.mappings && !fake.blocks;
}

unsigned int fake_frames_in(enum fake_owner owner)
{
	unsigned int i, n = 0;

	for (i = 0; i < fake.framing.frames; i++)
		n += fake.owner[i] == owner;
	return n;
}

void fake_new_generation(void)
{
	fake.generation++;
	memset(fake.taken, 0, sizeof(fake.taken));
}

unsigned int fake_frames_taken(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < FAKE_FRAMES; i++)
		n += fake.taken[i];
	return n;
}

static bool fails(int err)
{
	fake.calls++;
	if (!fake.fail_at || --fake.fail_at)
		return false;
	fake.fail_errno = err;
	errno = err;
	return true;
}

static int new_file(enum kind kind, __u32 frame)
{
	int fd = __real_memfd_create("fake", MFD_CLOEXEC);

	if (fd < 0 || fd >= MAX_FILES || __real_ftruncate(fd, 8192))
		abort();
	kinds[fd] = kind;
	frame_of[fd] = frame;
	fake.open_files++;
	return fd;
}

static int open_memory(enum kind kind, enum fake_memory memory)
{
	int fd;

	if (fake.open_errno[memory]) {
		errno = fake.open_errno[memory];
		return -1;
	}
	fd = new_file(kind, 0);
	memory_of[fd] = memory;
	return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
	char heap[64];
	int i;

	snprintf(fake.path, sizeof(fake.path), "%s", path);
	fake.path_flags = flags;
	if (fails(EMFILE))
		return -1;
	if (!strcmp(path, LIBKS_DEVICE))
		return new_file(KS, 0);
	if (!strcmp(path, LIBKS_UDMABUF_DEVICE))
		return open_memory(UDMABUF, FAKE_UDMABUF);
	for (i = 0; i < FAKE_HEAPS && fake.heaps[i]; i++) {
		snprintf(heap, sizeof(heap), "%s/%s", LIBKS_HEAP_DIR, fake.heaps[i]);
		if (!strcmp(path, heap))
			return open_memory(HEAP, i);
	}
	errno = ENOENT;
	return -1;
}

static void *new_block(size_t n, size_t size)
{
	fake.blocks++;
	return __real_calloc(n, size);
}

int __wrap_scandir(const char *path, struct dirent ***list,
		   int (*filter)(const struct dirent *),
		   int (*compare)(const struct dirent **, const struct dirent **))
{
	static const char * const dots[] = { ".", ".." };
	const char *names[FAKE_HEAPS + ARRAY_SIZE(dots)] = { dots[0], dots[1] };
	int count = 0;
	size_t i;

	snprintf(fake.path, sizeof(fake.path), "%s", path);
	if (fails(ENOMEM))
		return -1;
	if (!fake.heaps[0]) {
		errno = ENOENT;
		return -1;
	}
	memcpy(names + ARRAY_SIZE(dots), fake.heaps, sizeof(fake.heaps));
	*list = new_block(ARRAY_SIZE(names), sizeof(**list));
	for (i = 0; i < ARRAY_SIZE(names) && names[i]; i++) {
		struct dirent *entry = new_block(1, sizeof(*entry));

		snprintf(entry->d_name, sizeof(entry->d_name), "%s", names[i]);
		if (filter(entry))
			(*list)[count++] = entry;
		else
			__wrap_free(entry);
	}
	qsort(*list, (size_t)count, sizeof(**list), (int (*)(const void *, const void *))compare);
	return count;
}

int __wrap_memfd_create(const char *name, unsigned int flags)
{
	(void)name;
	if (flags != (MFD_CLOEXEC | MFD_ALLOW_SEALING))
		abort();
	return fails(EMFILE) ? -1 : new_file(MEMFD, 0);
}

int __wrap_ftruncate(int fd, off_t length)
{
	if (fd < 0 || kinds[fd] != MEMFD || length != 8192)
		abort();
	return fails(ENOSPC) ? -1 : 0;
}

int __wrap_getrlimit(int resource, struct rlimit *limit)
{
	if (resource != RLIMIT_FSIZE)
		abort();
	limit->rlim_cur = fake.file_limit ? fake.file_limit : RLIM_INFINITY;
	limit->rlim_max = RLIM_INFINITY;
	return fails(EPERM) ? -1 : 0;
}

int __wrap_fcntl(int fd, int command, ...)
{
	if (fd < 0 || kinds[fd] != MEMFD || command != F_ADD_SEALS)
		abort();
	return fails(EPERM) ? -1 : 0;
}

static void leave_pause(void)
{
	unsigned int i;

	fake.queued = 0;
	for (i = 0; i < FAKE_FRAMES; i++)
		if (fake.owner[i] == FAKE_IN_DEVICE)
			fake.owner[i] = FAKE_FREE;
}

static void free_frames_of(int file)
{
	unsigned int i;

	for (i = 0; i < FAKE_FRAMES; i++)
		if (fake.owner[i] == FAKE_ALLOCATED && fake.holder[i] == file)
			fake.owner[i] = FAKE_FREE;
}

static bool is_last(int file)
{
	int fd;

	for (fd = 0; fd < MAX_FILES; fd++)
		if (fd != file && kinds[fd] == kinds[file])
			return false;
	return true;
}

int __wrap_close(int fd)
{
	if (fd < 0 || fd >= MAX_FILES || !kinds[fd])
		abort();
	if (kinds[fd] == CONNECTION && is_last(fd))
		leave_pause();
	if (kinds[fd] == READER && is_last(fd))
		memset(fake.taken, 0, sizeof(fake.taken));
	free_frames_of(fd);
	kinds[fd] = NO_FILE;
	fake.open_files--;
	return __real_close(fd);
}

static int connect_v4l2(const struct ksalloc_connect *arg)
{
	return arg->v4l2_fd == 77 ? new_file(CONNECTION, 0) : -EINVAL;
}

static int get_framing(struct ksalloc_get_framing *arg)
{
	arg->framing = fake.needs;
	arg->planes = fake.planes;
	return 0;
}

static int allocate(int source)
{
	enum fake_memory memory = memory_of[source];
	int fd;

	if (fake.alloc_errno[memory]) {
		if (!fake.room[memory])
			return -fake.alloc_errno[memory];
		fake.room[memory]--;
	}
	fd = new_file(DMABUF, 0);
	memory_of[fd] = memory;
	return fd;
}

static int allocate_from_heap(int heap, struct dma_heap_allocation_data *data)
{
	int fd = allocate(heap);

	if (fd < 0)
		return fd;
	data->fd = (__u32)fd;
	fake.sizes[fake.allocated++ % ARRAY_SIZE(fake.sizes)] = data->len;
	return 0;
}

static int make_udmabuf(int device, const struct udmabuf_create *create)
{
	if (create->memfd >= MAX_FILES || kinds[create->memfd] != MEMFD || create->size != 8192)
		abort();
	return allocate(device);
}

static __u32 nr_planes(void)
{
	return fake.planes.count ? fake.planes.count : 1;
}

/* Accepts only dma-bufs of the fake, which all belong to its frames */
static int import(const struct ksalloc_create_allocator *arg)
{
	const int *fds = (const int *)(uintptr_t)arg->dmabufs;
	__u32 i, frames = arg->nr_dmabufs / nr_planes();

	if (arg->heap_fd != -1 || frames < fake.needs.frames || frames > FAKE_FRAMES ||
	    arg->nr_dmabufs % nr_planes())
		return -EINVAL;
	if (!(arg->framing.options_flags & KSALLOCATOR_OPTIONF_SYSTEM_MEMORY))
		return -EINVAL;
	if (arg->framing.frames && arg->framing.frames != frames)
		return -EINVAL;
	for (i = 0; i < arg->nr_dmabufs; i++)
		if (fds[i] < 0 || fds[i] >= MAX_FILES || kinds[fds[i]] != DMABUF)
			return -EBADF;
	if (!(fake.needs.requirements_flags & KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY))
		return -EOPNOTSUPP;
	fake.framing = arg->framing;
	fake.framing.frames = frames;
	fake.memory = memory_of[fds[0]];
	return new_file(ALLOCATOR, 0);
}

static int create(const struct ksalloc_create_allocator *arg)
{
	bool own = !(arg->framing.options_flags & KSALLOCATOR_OPTIONF_SYSTEM_MEMORY);

	if (arg->flags & KSALLOC_IMPORT)
		return import(arg);
	if (own ? arg->heap_fd != -1 : arg->heap_fd < 0 || kinds[arg->heap_fd] != HEAP)
		return -EINVAL;
	if (arg->framing.frames < fake.needs.frames || arg->framing.frames > FAKE_FRAMES)
		return -EINVAL;
	if (own && !fake.lends_memory)
		return -EOPNOTSUPP;
	fake.framing = arg->framing;
	fake.memory = own ? FAKE_DEVICE : memory_of[arg->heap_fd];
	return new_file(ALLOCATOR, 0);
}

static int set_allocator(const struct ksalloc_set_allocator *arg)
{
	if (arg->allocator_fd >= 0 && kinds[arg->allocator_fd] != ALLOCATOR)
		return -EINVAL;
	fake.assigned = arg->allocator_fd >= 0;
	return 0;
}

static int acquire(void)
{
	fake.refusal = (struct ks_refusal) {
		.reason = fake.refuses[fake.memory].reason,
		.frame = fake.refuses[fake.memory].frame,
		.error = fake.refuses[fake.memory].driver_error,
	};
	return fake.refuses[fake.memory].error;
}

static int set_state(const struct ksalloc_set_state *arg)
{
	int ret;

	if (!fake.assigned)
		return -EINVAL;
	if (fake.gone && arg->state > fake.state)
		return -ENODEV;
	if (fake.state == KSSTATE_STOP && arg->state > KSSTATE_STOP) {
		ret = acquire();
		if (ret)
			return ret;
	}
	fake.state = arg->state;
	fake.circulates = arg->flags & KSALLOC_CIRCULATE;
	if (fake.state < KSSTATE_PAUSE)
		leave_pause();
	return 0;
}

static int check_dmabuf(int fd, __u32 index)
{
	if (fd == -1)
		return 0;
	if (fd < 0 || fd >= MAX_FILES || !kinds[fd])
		return -EBADF;
	if (nr_planes() > 1)
		return -EINVAL;
	return kinds[fd] == DMABUF && frame_of[fd] == index ? 0 : -EINVAL;
}

static int submit(const struct ksalloc_submit *arg)
{
	int ret = check_dmabuf(arg->dmabuf_fd, arg->index);

	if (ret)
		return ret;
	if (fake.state < KSSTATE_PAUSE)
		return -ECANCELED;
	if (fake.gone)
		return -ENODEV;
	if (arg->index >= fake.framing.frames || fake.owner[arg->index] == FAKE_FREE)
		return -EINVAL;
	if (fake.owner[arg->index] == FAKE_IN_DEVICE)
		return -EBUSY;
	fake.owner[arg->index] = FAKE_IN_DEVICE;
	fake.by_thread += arg->dmabuf_fd == -1;
	fake.queue[fake.queued++] = arg->index;
	return 0;
}

static int complete(int file, struct ksalloc_complete *arg)
{
	if (fake.state < KSSTATE_PAUSE)
		return -ECANCELED;
	if (fake.gone)
		return -ENODEV;
	if (fake.circulates)
		return -EBUSY;
	if (!fake.queued || fake.state < KSSTATE_RUN)
		return arg->flags & KSALLOC_NONBLOCK ? -EAGAIN : -ETIMEDOUT;
	arg->index = fake.queue[0];
	memmove(fake.queue, fake.queue + 1, --fake.queued * sizeof(fake.queue[0]));
	fake.owner[arg->index] = FAKE_ALLOCATED;
	fake.holder[arg->index] = file;
	arg->sequence = fake.sequence++;
	arg->header = (struct ksstream_header) {
		.header_size = sizeof(arg->header),
		.frame_extent = 5000,
		.data = fake.data_start,
		.data_used = fake.data_used,
	};
	arg->nr_planes = fake.planes.count;
	memcpy(arg->planes, fake.data, sizeof(arg->planes));
	return 0;
}

static int alloc(int file, struct ksalloc_alloc *arg)
{
	__u32 i;

	for (i = 0; i < fake.framing.frames; i++) {
		if (fake.owner[i] != FAKE_FREE)
			continue;
		fake.owner[i] = FAKE_ALLOCATED;
		fake.holder[i] = file;
		arg->index = i;
		arg->dmabuf_fd = -1;
		if (arg->flags & KSALLOC_ALLOC_DMABUF)
			arg->dmabuf_fd = new_file(DMABUF, i);
		return 0;
	}
	return arg->flags & KSALLOC_NONBLOCK ? -EAGAIN : -ETIMEDOUT;
}

static int free_frame(const struct ksalloc_free *arg)
{
	if (arg->index >= fake.framing.frames || fake.owner[arg->index] == FAKE_FREE)
		return -EINVAL;
	if (fake.owner[arg->index] == FAKE_IN_DEVICE)
		return -EBUSY;
	fake.owner[arg->index] = FAKE_FREE;
	return 0;
}

static int export(const struct ksalloc_export *arg)
{
	if (arg->index >= fake.framing.frames || arg->plane >= nr_planes())
		return -EINVAL;
	return new_file(DMABUF, arg->index);
}

static int get_status(struct ksalloc_status *arg)
{
	arg->status.framing = fake.framing;
	arg->status.allocated_frames = fake.framing.frames - fake_frames_in(FAKE_FREE);
	arg->frame_bytes = 8192;
	arg->planes = fake.planes;
	arg->in_device = fake_frames_in(FAKE_IN_DEVICE);
	arg->waiters = 3;
	return 0;
}

static int reader_open(const struct ksalloc_reader_open *arg)
{
	if (!arg->depth || arg->depth > KSALLOC_MAX_FRAMES)
		return -EINVAL;
	return new_file(READER, 0);
}

static int give_frames(const struct ksalloc_exchange *arg)
{
	const __u32 *indices = (const __u32 *)(uintptr_t)arg->give;
	__u32 i;

	if (arg->generation != fake.generation)
		return arg->generation < fake.generation ? 0 : -EINVAL;
	for (i = 0; i < arg->nr_give; i++) {
		if (indices[i] >= FAKE_FRAMES || !fake.taken[indices[i]])
			return -EINVAL;
		fake.taken[indices[i]] = false;
	}
	return 0;
}

/* Of the frames that the reader does not have, the next one by the sequence number */
static int take_frame(struct ksalloc_reader_frame *frame)
{
	__u32 index = fake.sequence % fake.framing.frames, i;

	if (!fake.circulates || fake.taken[index])
		return -EAGAIN;
	fake.taken[index] = true;
	*frame = (struct ksalloc_reader_frame) {
		.index = index,
		.sequence = fake.sequence++,
		.generation = fake.generation,
		.lost = fake.lost,
		.revoked = fake.revoked,
		.header = { .header_size = sizeof(frame->header), .frame_extent = 5000 },
		.nr_planes = nr_planes(),
		.planes = { { .data_offset = fake.data_start, .data_used = fake.data_used } },
	};
	for (i = 0; i < fake.planes.count; i++)
		frame->planes[i] = fake.data[i];
	fake.lost = 0;
	fake.revoked = 0;
	return 1;
}

static int exchange(const struct ksalloc_exchange *arg)
{
	struct ksalloc_reader_frame *frame = (void *)(uintptr_t)arg->take;
	int ret = 0;

	if (fake.gone)
		return -ENODEV;
	if (arg->nr_give)
		return give_frames(arg);
	if (arg->nr_take != 1 || arg->wait_for != 1 || arg->take_size != sizeof(*frame))
		return -EINVAL;
	ret = take_frame(frame);
	return ret == -EAGAIN && !(arg->flags & KSALLOC_NONBLOCK) ? -ETIMEDOUT : ret;
}

static int reader_export(const struct ksalloc_reader_export *arg)
{
	if (fake.changes && !--fake.changes)
		fake_new_generation();
	if (arg->generation != fake.generation)
		return -ESTALE;
	if (arg->index >= fake.framing.frames || arg->plane >= nr_planes())
		return -EINVAL;
	return new_file(DMABUF, arg->index);
}

static int reader_info(struct ksalloc_reader_info *arg)
{
	struct v4l2_format *format = (void *)(uintptr_t)arg->format;

	arg->generation = fake.generation;
	arg->lost = 21;
	arg->revoked = 22;
	arg->queued = 23;
	arg->taken = fake_frames_taken();
	arg->promised = 1;
	arg->running = fake.circulates;
	arg->frames = fake.framing.frames;
	arg->frame_size = 5000;
	arg->planes = fake.planes;
	if (!arg->planes.count)
		arg->planes = (struct ksalloc_planes) { .count = 1, .sizes = { 5000 } };
	if (format && arg->format_size == sizeof(*format))
		format->fmt.pix.width = 320;
	return 0;
}

static int get_framing_ex(struct ksalloc_get_framing_ex *arg)
{
	struct ksallocator_framing_ex *framing = (void *)(uintptr_t)arg->framing;

	if (arg->framing_size >= sizeof(*framing))
		*framing = (struct ksallocator_framing_ex) { .count_items = 2 };
	arg->framing_size = sizeof(*framing) + 2 * sizeof(struct ks_framing_item);
	return 0;
}

static int get_status_ex(struct ksalloc_status_ex *arg)
{
	arg->status.count_items = 1;
	arg->status.framing_item.frames = fake.framing.frames;
	return 0;
}

static int sync_dmabuf(int fd, const struct dma_buf_sync *arg)
{
	if (fake.sync_errors) {
		fake.sync_errors--;
		return -fake.sync_errno;
	}
	fake.access[frame_of[fd]] += (arg->flags & DMA_BUF_SYNC_END) ? -1 : 1;
	return 0;
}

static const struct {
	enum kind kind;
	unsigned long request;
	size_t size;
} requests[] = {
	{ KS, KSALLOC_CONNECT, sizeof(struct ksalloc_connect) },
	{ CONNECTION, KSALLOC_GET_FRAMING, sizeof(struct ksalloc_get_framing) },
	{ CONNECTION, KSALLOC_CREATE_ALLOCATOR, sizeof(struct ksalloc_create_allocator) },
	{ CONNECTION, KSALLOC_SET_ALLOCATOR, sizeof(struct ksalloc_set_allocator) },
	{ CONNECTION, KSALLOC_SET_STATE, sizeof(struct ksalloc_set_state) },
	{ CONNECTION, KSALLOC_GET_STATE, sizeof(struct ksalloc_get_state) },
	{ CONNECTION, KSALLOC_SUBMIT, sizeof(struct ksalloc_submit) },
	{ CONNECTION, KSALLOC_COMPLETE, sizeof(struct ksalloc_complete) },
	{ CONNECTION, KSALLOC_GET_FRAMING_EX, sizeof(struct ksalloc_get_framing_ex) },
	{ ALLOCATOR, KSALLOC_STATUS_EX, sizeof(struct ksalloc_status_ex) },
	{ CONNECTION, KSALLOC_RESET_STATE, sizeof(struct ksalloc_reset_state) },
	{ CONNECTION, KSALLOC_CONNECTION_OPEN, sizeof(struct ksalloc_open) },
	{ CONNECTION, KSALLOC_CONNECTION_CANCEL, sizeof(struct ksalloc_cancel) },
	{ ALLOCATOR, KSALLOC_ALLOC, sizeof(struct ksalloc_alloc) },
	{ ALLOCATOR, KSALLOC_FREE, sizeof(struct ksalloc_free) },
	{ ALLOCATOR, KSALLOC_EXPORT, sizeof(struct ksalloc_export) },
	{ ALLOCATOR, KSALLOC_STATUS, sizeof(struct ksalloc_status) },
	{ ALLOCATOR, KSALLOC_ENABLE_EVENT, sizeof(struct ksalloc_enable_event) },
	{ ALLOCATOR, KSALLOC_DISABLE_EVENT, sizeof(struct ksalloc_disable_event) },
	{ ALLOCATOR, KSALLOC_ALLOCATOR_OPEN, sizeof(struct ksalloc_open) },
	{ ALLOCATOR, KSALLOC_ALLOCATOR_CANCEL, sizeof(struct ksalloc_cancel) },
	{ CONNECTION, KSALLOC_READER_OPEN, sizeof(struct ksalloc_reader_open) },
	{ READER, KSALLOC_EXCHANGE, sizeof(struct ksalloc_exchange) },
	{ READER, KSALLOC_READER_EXPORT, sizeof(struct ksalloc_reader_export) },
	{ READER, KSALLOC_READER_INFO, sizeof(struct ksalloc_reader_info) },
	{ READER, KSALLOC_READER_CANCEL, sizeof(struct ksalloc_cancel) },
	{ DMABUF, DMA_BUF_IOCTL_SYNC, sizeof(struct dma_buf_sync) },
	{ HEAP, DMA_HEAP_IOCTL_ALLOC, sizeof(struct dma_heap_allocation_data) },
	{ UDMABUF, UDMABUF_CREATE, sizeof(struct udmabuf_create) },
};

static int dispatch(int fd, unsigned long request, void *arg)
{
	switch (request) {
	case KSALLOC_CONNECT:
		return connect_v4l2(arg);
	case KSALLOC_GET_FRAMING:
		return get_framing(arg);
	case KSALLOC_CREATE_ALLOCATOR:
		return create(arg);
	case KSALLOC_SET_ALLOCATOR:
		return set_allocator(arg);
	case KSALLOC_SET_STATE:
		return set_state(arg);
	case KSALLOC_GET_STATE:
		((struct ksalloc_get_state *)arg)->state = fake.state;
		((struct ksalloc_get_state *)arg)->pending = fake.queued;
		((struct ksalloc_get_state *)arg)->refusal = fake.refusal.reason;
		((struct ksalloc_get_state *)arg)->refused_frame = fake.refusal.frame;
		((struct ksalloc_get_state *)arg)->refused_error = fake.refusal.error;
		return 0;
	case KSALLOC_SUBMIT:
		return submit(arg);
	case KSALLOC_COMPLETE:
		return complete(fd, arg);
	case KSALLOC_ALLOC:
		return alloc(fd, arg);
	case KSALLOC_FREE:
		return free_frame(arg);
	case KSALLOC_EXPORT:
		return export(arg);
	case KSALLOC_STATUS:
		return get_status(arg);
	case KSALLOC_GET_FRAMING_EX:
		return get_framing_ex(arg);
	case KSALLOC_STATUS_EX:
		return get_status_ex(arg);
	case KSALLOC_READER_OPEN:
		return reader_open(arg);
	case KSALLOC_EXCHANGE:
		return exchange(arg);
	case KSALLOC_READER_EXPORT:
		return reader_export(arg);
	case KSALLOC_READER_INFO:
		return reader_info(arg);
	case KSALLOC_READER_CANCEL:
	case KSALLOC_RESET_STATE:
	case KSALLOC_CONNECTION_CANCEL:
	case KSALLOC_ALLOCATOR_CANCEL:
		return 0;
	case KSALLOC_CONNECTION_OPEN:
	case KSALLOC_ALLOCATOR_OPEN:
		return new_file(kinds[fd], 0);
	case KSALLOC_ENABLE_EVENT:
		((struct ksalloc_enable_event *)arg)->id = FAKE_EVENT;
		return 0;
	case KSALLOC_DISABLE_EVENT:
		return ((struct ksalloc_disable_event *)arg)->id == FAKE_EVENT ? 0 : -EINVAL;
	case DMA_HEAP_IOCTL_ALLOC:
		return allocate_from_heap(fd, arg);
	case UDMABUF_CREATE:
		return make_udmabuf(fd, arg);
	default:
		return sync_dmabuf(fd, arg);
	}
}

static int check_request(int fd, unsigned long request, void *arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		if (requests[i].request != request || requests[i].kind != kinds[fd])
			continue;
		memcpy(fake.arg.bytes, arg, requests[i].size);
		if (_IOC_TYPE(request) == KSALLOC_TYPE && fake.arg.size != requests[i].size)
			return -EINVAL;
		return 0;
	}
	return -ENOTTY;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);

	fake.request = request;
	fake.request_fd = fd;
	if (fails(EIO))
		return -1;
	ret = fd >= 0 && fd < MAX_FILES && kinds[fd] ? check_request(fd, request, arg) : -EBADF;
	if (!ret)
		ret = dispatch(fd, request, arg);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return ret;
}

void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	if (fails(ENOMEM))
		return MAP_FAILED;
	fake.mappings++;
	fake.memfd_mappings += fd >= 0 && kinds[fd] == MEMFD;
	return __real_mmap(addr, length, prot, flags, fd, offset);
}

int __wrap_munmap(void *addr, size_t length)
{
	fake.mappings--;
	return __real_munmap(addr, length);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(ENOMEM) ? NULL : new_block(n, size);
}

void __wrap_free(void *p)
{
	if (p)
		fake.blocks--;
	__real_free(p);
}
