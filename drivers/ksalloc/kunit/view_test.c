// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_view": views of dma-bufs, and devices that import them.
 */
#include <kunit/device.h>
#include <linux/anon_inodes.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "ks_test.h"
#include "reader.h"

/**
 * struct view_source - a dma-buf of one page, which counts its mappings
 * @page: the page
 * @attach_error: errno for devices that are attached, or 0
 * @map_error: errno for mappings, or 0
 * @attached: number of devices that are attached
 * @mapped: number of mappings
 * @direction: direction of the last one
 * @has_access: processes can access mappings with vm_operations_struct.access
 * @vmas: mappings of processes
 * @syncs: number of calls to synchronize it for the CPU
 * @released: the dma-buf has ended
 */
struct view_source {
	struct page *page;
	int attach_error;
	int map_error;
	atomic_t attached;
	atomic_t mapped;
	enum dma_data_direction direction;
	bool has_access;
	atomic_t vmas;
	atomic_t syncs;
	bool released;
};

static int view_source_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct view_source *source = dmabuf->priv;

	if (source->attach_error)
		return source->attach_error;
	atomic_inc(&source->attached);
	return 0;
}

static void view_source_detach(struct dma_buf *dmabuf, struct dma_buf_attachment *attachment)
{
	struct view_source *source = dmabuf->priv;

	atomic_dec(&source->attached);
}

static struct sg_table *view_source_map(struct dma_buf_attachment *attachment,
					enum dma_data_direction direction)
{
	struct view_source *source = attachment->dmabuf->priv;
	struct sg_table *table;

	if (source->map_error)
		return ERR_PTR(source->map_error);
	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (!table || sg_alloc_table(table, 1, GFP_KERNEL)) {
		kfree(table);
		return ERR_PTR(-ENOMEM);
	}
	sg_set_page(table->sgl, source->page, PAGE_SIZE, 0);
	if (dma_map_sgtable(attachment->dev, table, direction, 0)) {
		sg_free_table(table);
		kfree(table);
		return ERR_PTR(-ENOMEM);
	}
	source->direction = direction;
	atomic_inc(&source->mapped);
	return table;
}

static void view_source_unmap(struct dma_buf_attachment *attachment,
			      struct sg_table *table,
			      enum dma_data_direction direction)
{
	struct view_source *source = attachment->dmabuf->priv;

	dma_unmap_sgtable(attachment->dev, table, direction, 0);
	sg_free_table(table);
	kfree(table);
	atomic_dec(&source->mapped);
}

static void view_vma_close(struct vm_area_struct *vma)
{
	struct view_source *source = vma->vm_private_data;

	atomic_dec(&source->vmas);
}

static int view_vma_access(struct vm_area_struct *vma, unsigned long address, void *data,
			   int size, int write)
{
	return size;
}

static const struct vm_operations_struct view_vma_ops = {
	.close = view_vma_close,
};

static const struct vm_operations_struct view_vma_access_ops = {
	.close = view_vma_close,
	.access = view_vma_access,
};

static int view_source_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct view_source *source = dmabuf->priv;

	vma->vm_ops = source->has_access ? &view_vma_access_ops : &view_vma_ops;
	vma->vm_private_data = source;
	atomic_inc(&source->vmas);
	return 0;
}

static int view_source_sync(struct dma_buf *dmabuf, enum dma_data_direction direction)
{
	struct view_source *source = dmabuf->priv;

	atomic_inc(&source->syncs);
	return 0;
}

static void view_source_release(struct dma_buf *dmabuf)
{
	struct view_source *source = dmabuf->priv;

	WRITE_ONCE(source->released, true);
}

static const struct dma_buf_ops view_source_ops = {
	.attach = view_source_attach,
	.detach = view_source_detach,
	.map_dma_buf = view_source_map,
	.unmap_dma_buf = view_source_unmap,
	.mmap = view_source_mmap,
	.begin_cpu_access = view_source_sync,
	.end_cpu_access = view_source_sync,
	.release = view_source_release,
};

static void view_free_page(void *page)
{
	__free_page(page);
}

/* A view, which has the only reference to its source. The test puts it */
static struct dma_buf *view_create_with(struct kunit *test, struct view_source **result, u32 flags)
{
	struct view_source *source = kunit_kzalloc(test, sizeof(*source), GFP_KERNEL);
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf, *view;

	KUNIT_ASSERT_NOT_NULL(test, source);
	source->page = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, source->page);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, view_free_page,
							   source->page));
	info.ops = &view_source_ops;
	info.size = PAGE_SIZE;
	info.flags = O_RDWR;
	info.priv = source;
	dmabuf = dma_buf_export(&info);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dmabuf);
	view = ks_view_create(dmabuf, PAGE_SIZE, flags);
	dma_buf_put(dmabuf);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, view);
	*result = source;
	return view;
}

static struct dma_buf *view_create(struct kunit *test, struct view_source **result)
{
	return view_create_with(test, result, 0);
}

/* Waits for the release, because the source ends with the test */
static void view_put(struct kunit *test, struct dma_buf *view, struct view_source *source)
{
	dma_buf_put(view);
	flush_delayed_fput();
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(source->released)));
}

static void view_expect_syncs(struct kunit *test, u32 flags, int syncs)
{
	struct view_source *source;
	struct dma_buf *view = view_create_with(test, &source, flags);

	KUNIT_EXPECT_EQ(test, 0, dma_buf_begin_cpu_access(view, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, 0, dma_buf_end_cpu_access(view, DMA_FROM_DEVICE));
	KUNIT_EXPECT_EQ(test, -EACCES, dma_buf_begin_cpu_access(view, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, -EACCES, dma_buf_end_cpu_access(view, DMA_TO_DEVICE));
	KUNIT_EXPECT_EQ(test, atomic_read(&source->syncs), syncs);
	view_put(test, view, source);
}

/* Passes if the CPU can synchronize memory that a device has written (K5). */
static void view_sync(struct kunit *test)
{
	view_expect_syncs(test, KS_VIEW_NO_BOUNCE, 2);
}

/* Passes if the CPU cannot synchronize memory that it has written itself (K5). */
static void view_no_sync(struct kunit *test)
{
	view_expect_syncs(test, KS_VIEW_NO_BOUNCE | KS_VIEW_NO_SYNC, 0);
}

static struct device *view_device(struct kunit *test)
{
	struct device *dev = kunit_device_register(test, "ksalloc-view");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	dev->dma_mask = &dev->coherent_dma_mask;
	dev->coherent_dma_mask = DMA_BIT_MASK(64);
	return dev;
}

/* Passes if a device gets a mapping of a view for reading, and no other one (K5). */
static void view_directions(struct kunit *test)
{
	static const enum dma_data_direction refused[] = {
		DMA_FROM_DEVICE, DMA_BIDIRECTIONAL,
	};
	struct device *dev = view_device(test);
	struct dma_buf_attachment *attachment;
	struct view_source *source;
	struct dma_buf *view = view_create(test, &source);
	struct sg_table *table;
	u32 i;

	attachment = dma_buf_attach(view, dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attachment);
	KUNIT_EXPECT_EQ(test, source->direction, DMA_TO_DEVICE);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		table = dma_buf_map_attachment_unlocked(attachment, refused[i]);
		KUNIT_EXPECT_TRUE(test, IS_ERR(table));
		if (!IS_ERR(table))
			dma_buf_unmap_attachment_unlocked(attachment, table, refused[i]);
		else
			KUNIT_EXPECT_EQ(test, PTR_ERR(table), -EACCES);
	}
	table = dma_buf_map_attachment_unlocked(attachment, DMA_TO_DEVICE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, table);
	KUNIT_EXPECT_EQ(test, table->nents, 1);
	dma_buf_unmap_attachment_unlocked(attachment, table, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, atomic_read(&source->mapped), 1);
	dma_buf_detach(view, attachment);
	KUNIT_EXPECT_EQ(test, atomic_read(&source->mapped), 0);

	view_put(test, view, source);
}

static void view_expect_not_attached(struct kunit *test, struct dma_buf *view,
				     struct view_source *source, struct device *dev, int error)
{
	struct dma_buf_attachment *attachment = dma_buf_attach(view, dev);

	KUNIT_EXPECT_EQ(test, PTR_ERR(attachment), error);
	if (!IS_ERR(attachment))
		dma_buf_detach(view, attachment);
	KUNIT_EXPECT_EQ(test, atomic_read(&source->attached), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&source->mapped), 0);
}

/*
 * Passes if a device is not attached to a view if the source refuses it or has no mapping for it,
 * the errno is that of the source, and nothing of the attempt is left (K5).
 */
static void view_attach_fails(struct kunit *test)
{
	struct device *dev = view_device(test);
	struct dma_buf_attachment *attachment;
	struct view_source *source;
	struct dma_buf *view = view_create(test, &source);

	source->attach_error = -EBUSY;
	view_expect_not_attached(test, view, source, dev, -EBUSY);
	source->attach_error = 0;
	source->map_error = -ENOSPC;
	view_expect_not_attached(test, view, source, dev, -ENOSPC);
	source->map_error = 0;
	attachment = dma_buf_attach(view, dev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, attachment);
	KUNIT_EXPECT_EQ(test, atomic_read(&source->attached), 1);
	dma_buf_detach(view, attachment);
	KUNIT_EXPECT_EQ(test, atomic_read(&source->attached), 0);
	view_put(test, view, source);
}

/* Passes if the kernel gets no mapping of a view, which could be written to (K5). */
static void view_no_kernel_mapping(struct kunit *test)
{
	struct view_source *source;
	struct dma_buf *view = view_create(test, &source);
	struct iosys_map map;

	KUNIT_EXPECT_NE(test, 0, dma_buf_vmap_unlocked(view, &map));
	view_put(test, view, source);
}

/* Reads are allowed */
static void view_expect_mapped(struct kunit *test, struct view_source *source, struct file *file)
{
	unsigned long address;

	address = kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
	KUNIT_ASSERT_FALSE(test, !address || IS_ERR_VALUE(address));
	KUNIT_EXPECT_EQ(test, atomic_read(&source->vmas), 1);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(address, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, atomic_read(&source->vmas), 0);
}

static void view_expect_not_mapped(struct kunit *test, struct view_source *source,
				   struct file *file)
{
	KUNIT_EXPECT_EQ(test, (long)kunit_vm_mmap(test, file, 0, PAGE_SIZE, PROT_READ,
						  MAP_SHARED, 0), -EACCES);
	KUNIT_EXPECT_EQ(test, atomic_read(&source->vmas), 0);
}

/* Passes if memory that ptrace() could write to is not mapped (K5). */
static void view_no_access(struct kunit *test)
{
	struct view_source *source;
	struct dma_buf *view = view_create(test, &source);

	view_expect_mapped(test, source, view->file);
	source->has_access = true;
	view_expect_not_mapped(test, source, view->file);
	view_put(test, view, source);
}

static int view_importer_mmap(struct file *file, struct vm_area_struct *vma)
{
	return dma_buf_mmap(file->private_data, vma, 0);
}

static const struct file_operations view_importer_fops = {
	.mmap = view_importer_mmap,
};

/*
 * Passes if a file that is open for writing, as that of a DRM device that has imported a view,
 * cannot map it (K5): remap_file_pages() would make the mapping writable.
 */
static void view_not_by_importer(struct kunit *test)
{
	struct view_source *source;
	struct dma_buf *view = view_create(test, &source);
	struct file *importer;

	importer = anon_inode_getfile("view_importer", &view_importer_fops, view, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, importer);
	view_expect_not_mapped(test, source, importer);
	fput(importer);
	view_put(test, view, source);
}

static struct kunit_case view_cases[] = {
	KUNIT_CASE(view_directions),
	KUNIT_CASE(view_attach_fails),
	KUNIT_CASE(view_sync),
	KUNIT_CASE(view_no_sync),
	KUNIT_CASE(view_no_kernel_mapping),
	KUNIT_CASE(view_no_access),
	KUNIT_CASE(view_not_by_importer),
	{}
};

static struct kunit_suite view_suite = {
	.name = "ksalloc_view",
	.init = ks_test_init,
	.test_cases = view_cases,
};

kunit_test_suite(view_suite);
