// SPDX-License-Identifier: GPL-2.0-only
/*
 * The own memory of devices for tests of ksalloc, as dma-bufs or for the kernel only. A program
 * can make its operations fail: see ksalloc-test-device.h.
 */
#include <linux/atomic.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/ksalloc.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "test-device.h"

atomic_t test_initialized, test_allocated, test_freed, test_deleted;
atomic_t test_buffers;

/* A buffer that is exported belongs to its dma-buf and is freed with it */

static void test_free_buffer(void *vaddr)
{
	vfree(vaddr);
	atomic_dec(&test_buffers);
}

static struct sg_table *test_map_dma_buf(struct dma_buf_attachment *attachment,
					 enum dma_data_direction direction)
{
	struct dma_buf *dmabuf = attachment->dmabuf;
	struct scatterlist *sg;
	struct sg_table *table;
	unsigned int i;
	int ret;

	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table(table, dmabuf->size >> PAGE_SHIFT, GFP_KERNEL);
	if (ret)
		goto err_free;
	for_each_sgtable_sg(table, sg, i)
		sg_set_page(sg, vmalloc_to_page(dmabuf->priv + i * PAGE_SIZE),
			    PAGE_SIZE, 0);
	ret = dma_map_sgtable(attachment->dev, table, direction, 0);
	if (ret)
		goto err_table;
	return table;

err_table:
	sg_free_table(table);
err_free:
	kfree(table);
	return ERR_PTR(ret);
}

static void test_unmap_dma_buf(struct dma_buf_attachment *attachment,
			       struct sg_table *table,
			       enum dma_data_direction direction)
{
	dma_unmap_sgtable(attachment->dev, table, direction, 0);
	sg_free_table(table);
	kfree(table);
}

static int test_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, dmabuf->priv, vma->vm_pgoff);
}

static int test_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, dmabuf->priv);
	return 0;
}

static void test_release_dma_buf(struct dma_buf *dmabuf)
{
	test_free_buffer(dmabuf->priv);
}

static const struct dma_buf_ops test_dma_buf_ops = {
	.map_dma_buf = test_map_dma_buf,
	.unmap_dma_buf = test_unmap_dma_buf,
	.mmap = test_mmap,
	.vmap = test_vmap,
	.release = test_release_dma_buf,
};

static struct dma_buf *test_export(void *vaddr, size_t bytes)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &test_dma_buf_ops;
	info.size = bytes;
	info.flags = O_RDWR;
	info.priv = vaddr;
	return dma_buf_export(&info);
}

static int test_initialize_allocator(void *creator,
				     const struct ksallocator_framing *framing,
				     const struct ksalloc_planes *planes,
				     void **context)
{
	struct test_device *device = to_test(creator);
	struct test_memory *memory;

	if (device->ask.failure == DEVICE_FAILS_INITIALIZE)
		return device->ask.error;
	memory = kvzalloc(struct_size(memory, vaddr, framing->frames),
			  GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	memory->ask = device->ask;
	*context = memory;
	atomic_inc(&test_initialized);
	return 0;
}

static int test_alloc(void *context, u32 index, u32 plane, size_t bytes,
		      struct ksalloc_memory *result)
{
	struct test_memory *memory = context;
	struct dma_buf *dmabuf;
	void *vaddr;

	if (memory->ask.failure == DEVICE_FAILS_ALLOC &&
	    memory->ask.fail_at == index)
		return memory->ask.error;
	vaddr = vmalloc_user(bytes);
	if (!vaddr)
		return -ENOMEM;
	atomic_inc(&test_buffers);

	if (memory->ask.memory == DEVICE_MEMORY_DMABUF) {
		dmabuf = test_export(vaddr, bytes);
		if (IS_ERR(dmabuf)) {
			test_free_buffer(vaddr);
			return PTR_ERR(dmabuf);
		}
		result->dmabuf = dmabuf;
	}
	iosys_map_set_vaddr(&result->map, vaddr);
	memory->vaddr[index] = vaddr;
	atomic_inc(&test_allocated);
	return 0;
}

static void test_free(void *context, u32 index, u32 plane,
		      struct ksalloc_memory *frame)
{
	atomic_inc(&test_freed);
	if (frame->dmabuf)
		dma_buf_put(frame->dmabuf);
	else
		test_free_buffer(frame->map.vaddr);
}

static void test_delete_allocator(void *context)
{
	atomic_inc(&test_deleted);
	kvfree(context);
}

const struct ksalloc_memory_ops test_memory_ops = {
	.owner = THIS_MODULE,
	.initialize_allocator = test_initialize_allocator,
	.alloc = test_alloc,
	.free = test_free,
	.delete_allocator = test_delete_allocator,
};
