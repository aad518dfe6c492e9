// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames from dma-bufs that the creator of the allocator brings.
 *
 * The creator can write to a dma-buf, or it could not let a device write to it. So only
 * descriptors for reading and writing are accepted. The caller's descriptors are read once. After
 * that, the allocator has references of its own, and it does not matter what happens to the
 * descriptors.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "import.h"

/* Allocates room for @count dma-bufs, but has none yet */
static struct ks_import *ks_import_new(u32 count, u32 nr_planes)
{
	struct ks_import *import;

	if (count > KSALLOC_MAX_FRAMES * nr_planes)
		return ERR_PTR(-E2BIG);
	if (!count || count % nr_planes)
		return ERR_PTR(-EINVAL);
	import = kvzalloc(struct_size(import, dmabufs, count), GFP_KERNEL_ACCOUNT);
	if (!import)
		return ERR_PTR(-ENOMEM);
	import->count = count;
	import->nr_planes = nr_planes;
	return import;
}

/*
 * Returns the dma-buf of a descriptor of the caller, with a reference; -EACCES if the
 * file is not open for reading and writing; -EBADF; -EINVAL if it is not a dma-buf.
 */
struct dma_buf *ks_import_dmabuf(int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);

	if (IS_ERR(dmabuf))
		return dmabuf;
	if ((dmabuf->file->f_mode & (FMODE_READ | FMODE_WRITE)) ==
	    (FMODE_READ | FMODE_WRITE))
		return dmabuf;
	dma_buf_put(dmabuf);
	return ERR_PTR(-EACCES);
}

static int ks_import_add(struct ks_import *import, const s32 *fds)
{
	struct dma_buf *dmabuf;
	u32 i;

	for (i = 0; i < import->count; i++) {
		dmabuf = ks_import_dmabuf(fds[i]);
		if (IS_ERR(dmabuf))
			return PTR_ERR(dmabuf);
		import->dmabufs[i] = dmabuf;
	}
	return 0;
}

/*
 * Returns -EINVAL if there is no dma-buf, not one for each plane of each frame, or a file
 * is not a dma-buf; -E2BIG if there are more than KSALLOC_MAX_FRAMES for a plane; and
 * -EFAULT, -EBADF, -EACCES or -ENOMEM.
 */
struct ks_import *ks_import_get(const __s32 __user *fds, u32 count,
				u32 nr_planes)
{
	struct ks_import *import = ks_import_new(count, nr_planes);
	s32 *copy;
	int ret;

	if (IS_ERR(import))
		return import;
	copy = vmemdup_array_user(fds, count, sizeof(*copy));
	if (IS_ERR(copy)) {
		ret = PTR_ERR(copy);
		goto err;
	}
	ret = ks_import_add(import, copy);
	kvfree(copy);
	if (ret)
		goto err;
	return import;

err:
	ks_import_put(import);
	return ERR_PTR(ret);
}

/* Takes references to dma-bufs; -EINVAL, -E2BIG or -ENOMEM as for ks_import_get() */
struct ks_import *ks_import_copy(struct dma_buf *const *dmabufs, u32 count,
				 u32 nr_planes)
{
	struct ks_import *import = ks_import_new(count, nr_planes);
	u32 i;

	if (IS_ERR(import))
		return import;
	for (i = 0; i < count; i++) {
		get_dma_buf(dmabufs[i]);
		import->dmabufs[i] = dmabufs[i];
	}
	return import;
}

/* Bytes in all dma-bufs, which can be larger than the frames; SIZE_MAX if too many */
size_t ks_import_bytes(const struct ks_import *import)
{
	size_t bytes = 0;
	u32 i;

	for (i = 0; i < import->count; i++)
		bytes = size_add(bytes, import->dmabufs[i]->size);
	return bytes;
}

/* Drops the references, and frees @import. An allocator of these dma-bufs has its own references */
void ks_import_put(struct ks_import *import)
{
	u32 i;

	for (i = 0; i < import->count; i++)
		if (import->dmabufs[i])
			dma_buf_put(import->dmabufs[i]);
	kvfree(import);
}

static int ks_import_alloc(void *context, u32 index, u32 plane, size_t bytes,
			   struct ksalloc_memory *memory)
{
	const struct ks_import *import = context;

	memory->dmabuf = import->dmabufs[index * import->nr_planes + plane];
	get_dma_buf(memory->dmabuf);
	return 0;
}

static void ks_import_free(void *context, u32 index, u32 plane,
			   struct ksalloc_memory *memory)
{
	dma_buf_put(memory->dmabuf);
}

/* The creator is the struct ks_import, which is needed only until the allocator is created */
const struct ksalloc_memory_ops ks_import_memory_ops = {
	.owner = THIS_MODULE,
	.alloc = ks_import_alloc,
	.free = ks_import_free,
};
