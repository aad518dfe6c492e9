// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences on dma-bufs: see fence.h.
 */
#include "fence.h"
#include "ksalloc_test.h"

#include <fcntl.h>
#include <glob.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SW_SYNC "/sys/kernel/debug/sync/sw_sync"

/* These have no header in /usr/include: the ABI of sw_sync, and the needed part of DRM */

struct timeline_point {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define TIMELINE_CREATE _IOWR('W', 0, struct timeline_point)
#define TIMELINE_ADVANCE _IOW('W', 1, __u32)

struct drm_dumb {
	__u32 height;
	__u32 width;
	__u32 bpp;
	__u32 flags;
	__u32 handle;
	__u32 pitch;
	__u64 size;
};

struct drm_prime {
	__u32 handle;
	__u32 flags;
	__s32 fd;
};

struct vgem_attach {
	__u32 handle;
	__u32 flags;
	__u32 fence;
	__u32 pad;
};

struct vgem_signal {
	__u32 fence;
	__u32 flags;
};

#define DRM_DUMB_CREATE _IOWR('d', 0xb2, struct drm_dumb)
#define DRM_PRIME_EXPORT _IOWR('d', 0x2d, struct drm_prime)
#define DRM_PRIME_IMPORT _IOWR('d', 0x2e, struct drm_prime)
#define VGEM_ATTACH _IOWR('d', 0x41, struct vgem_attach)
#define VGEM_SIGNAL _IOW('d', 0x42, struct vgem_signal)

int open_vgem(void)
{
	char path[32];
	glob_t found;
	int fd;

	ASSERT_NE(-1, system("modprobe -q vgem"));
	/* On the platform bus, and since 6.16 on the faux bus */
	if (glob("/sys/devices/*/vgem/drm/card*", 0, NULL, &found))
		SKIP("there is no vgem");
	snprintf(path, sizeof(path), "/dev/dri/%s", basename(found.gl_pathv[0]));
	globfree(&found);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	return fd;
}

int vgem_alloc(int vgem, unsigned int width, unsigned int height)
{
	struct drm_dumb dumb = { .height = height, .width = width, .bpp = 16 };
	struct drm_prime prime = { .flags = O_RDWR | O_CLOEXEC };

	ASSERT_EQ(0, ioctl(vgem, DRM_DUMB_CREATE, &dumb));
	ASSERT_LE(width * height * 2, dumb.size);
	prime.handle = dumb.handle;
	ASSERT_EQ(0, ioctl(vgem, DRM_PRIME_EXPORT, &prime));
	return prime.fd;
}

static int create_by_sw_sync(struct fence *fence)
{
	struct timeline_point point = { .value = 1 };

	snprintf(point.name, sizeof(point.name), "fences");
	ASSERT_EQ(0, ioctl(fence->source, TIMELINE_CREATE, &point));
	return point.fence;
}

static void fence_by_sw_sync(struct fence *fence, int dmabuf)
{
	int file = create_by_sw_sync(fence);

	fence_import(file, dmabuf, DMA_BUF_SYNC_READ);
	close(file);
}

/* The memory can be that of vgem itself */
static void fence_by_vgem(struct fence *fence, int dmabuf)
{
	struct drm_prime prime = { .fd = dmabuf };
	struct vgem_attach attach = { };

	ASSERT_EQ(0, ioctl(fence->source, DRM_PRIME_IMPORT, &prime));
	attach.handle = prime.handle;
	ASSERT_EQ(0, ioctl(fence->source, VGEM_ATTACH, &attach));
	fence->id = attach.fence;
}

static int create_by_vgem(struct fence *fence)
{
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW };
	int dmabuf = vgem_alloc(fence->source, 16, 16);

	fence_by_vgem(fence, dmabuf);
	ASSERT_EQ(0, ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export));
	close(dmabuf);
	return export.fd;
}

static void open_source(struct fence *fence)
{
	fence->source = open(SW_SYNC, O_RDWR | O_CLOEXEC);
	fence->vgem = fence->source < 0;
	if (fence->vgem)
		fence->source = open_vgem();
}

void fence_begin(struct fence *fence, int dmabuf)
{
	open_source(fence);
	if (fence->vgem)
		fence_by_vgem(fence, dmabuf);
	else
		fence_by_sw_sync(fence, dmabuf);
}

int fence_create(struct fence *fence)
{
	open_source(fence);
	return fence->vgem ? create_by_vgem(fence) : create_by_sw_sync(fence);
}

void fence_import(int file, int dmabuf, __u32 flags)
{
	struct dma_buf_import_sync_file import = { .flags = flags, .fd = file };

	ASSERT_EQ(0, ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import));
}

void fence_signal(struct fence *fence)
{
	struct vgem_signal signal = { .fence = fence->id };
	__u32 one = 1;

	if (fence->vgem)
		ASSERT_EQ(0, ioctl(fence->source, VGEM_SIGNAL, &signal));
	else
		ASSERT_EQ(0, ioctl(fence->source, TIMELINE_ADVANCE, &one));
	close(fence->source);
}
