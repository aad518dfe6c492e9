// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views: dma-bufs through which the memory of another dma-buf can only be read.
 *
 * A reader gets views of the frames. It must have no way to write to them:
 *
 * - The file of a view is read-only, so mmap() refuses shared mappings for writing. Private ones
 *   are refused as well. VM_MAYWRITE is cleared, so mprotect() and ptrace() cannot change that.
 * - dma_buf_mmap() makes the mapping one of the source's file, or of another one that the exporter
 *   chooses. That file is open for writing, but remap_file_pages() needs VM_SHARED, which mmap()
 *   clears for read-only files. The file must stay: exporters find their memory by it in page
 *   faults (i915), and unmap what they move by its address space (TTM). If the mapping is one of
 *   a DRM device that has imported the view, VM_SHARED is set, and the mapping is refused.
 * - ptrace() and /proc/PID/mem write with vm_operations_struct.access, if there is one, and do not
 *   look at VM_MAYWRITE. The drivers of GPUs with own memory have it. Such mappings are refused.
 * - There is no vmap operation. With one, a V4L2 device of the reader could capture into the view
 *   by the kernel's mapping.
 * - Devices get mappings for DMA_TO_DEVICE. Importers that ask for DMA_BIDIRECTIONAL, as GPU
 *   drivers do, get such a mapping too if an IOMMU enforces it, and are refused otherwise.
 * - A device that does not reach the memory reads a copy of it, in a bounce buffer. If anybody
 *   synchronizes the memory for the CPU, the heaps copy all bounce buffers back, also those for
 *   DMA_TO_DEVICE: an old picture replaces a new one. udmabuf does this with a buffer of its own.
 *   So a device that may need such buffers gets no mapping. If the kernel itself writes the frames,
 *   a reader cannot synchronize them at all. Otherwise, the CPU needs it to see what the camera has
 *   written.
 *
 * Fences that a reader adds to a view are not fences of the frame, so they delay nobody else.
 * The source is mapped in attach(), because map_dma_buf() is called under the reservation lock of
 * the view, and the lock of the source has the same class.
 */
#include <kunit/visibility.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fcntl.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "reader.h"

/**
 * struct ks_view - a view
 * @source: the dma-buf whose memory it is; a reference
 * @flags: enum ks_view_flags
 */
struct ks_view {
	struct dma_buf *source;
	u32 flags;
};

/**
 * struct ks_view_attachment - a device that is attached to a view
 * @source: its attachment to the source; NULL if the device may need bounce buffers
 * @table: the mapping of the source
 */
struct ks_view_attachment {
	struct dma_buf_attachment *source;
	struct sg_table *table;
};

static struct dma_buf *ks_view_source(const struct dma_buf *dmabuf)
{
	const struct ks_view *view = dmabuf->priv;

	return view->source;
}

/* Whether a device may need bounce buffers: then the size of a mapping has a limit */
static bool ks_view_may_bounce(struct device *dev)
{
	return dma_max_mapping_size(dev) != SIZE_MAX;
}

static int ks_view_map_source(struct ks_view_attachment *view)
{
	view->table = dma_buf_map_attachment_unlocked(view->source, DMA_TO_DEVICE);
	return PTR_ERR_OR_ZERO(view->table);
}

static int ks_view_attach(struct dma_buf *dmabuf,
			  struct dma_buf_attachment *attachment)
{
	const struct ks_view *of = dmabuf->priv;
	struct ks_view_attachment *view;
	int ret;

	view = kzalloc(sizeof(*view), GFP_KERNEL_ACCOUNT);
	if (!view)
		return -ENOMEM;
	attachment->priv = view;
	/*
	 * ks_view_map() returns the error: videobuf2 of 6.12 leaks a reference to the view if
	 * attach() fails
	 */
	if ((of->flags & KS_VIEW_NO_BOUNCE) && ks_view_may_bounce(attachment->dev))
		return 0;
	view->source = dma_buf_attach(of->source, attachment->dev);
	if (IS_ERR(view->source)) {
		ret = PTR_ERR(view->source);
		goto err_free;
	}
	ret = ks_view_map_source(view);
	if (ret)
		goto err_detach;
	return 0;

err_detach:
	dma_buf_detach(of->source, view->source);
err_free:
	kfree(view);
	return ret;
}

static void ks_view_detach(struct dma_buf *dmabuf,
			   struct dma_buf_attachment *attachment)
{
	struct ks_view_attachment *view = attachment->priv;

	if (view->source) {
		dma_buf_unmap_attachment_unlocked(view->source, view->table, DMA_TO_DEVICE);
		dma_buf_detach(ks_view_source(dmabuf), view->source);
	}
	kfree(view);
}

/* Whether a device can only do what its mappings permit */
static bool ks_view_is_enforced(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && (domain->type & __IOMMU_DOMAIN_PAGING);
}

static struct sg_table *ks_view_map(struct dma_buf_attachment *attachment,
				    enum dma_data_direction direction)
{
	struct ks_view_attachment *view = attachment->priv;

	if (!view->source)
		return ERR_PTR(-EOPNOTSUPP);
	if (direction != DMA_TO_DEVICE &&
	    (direction != DMA_BIDIRECTIONAL ||
	     !ks_view_is_enforced(attachment->dev)))
		return ERR_PTR(-EACCES);
	dma_sync_sgtable_for_device(attachment->dev, view->table, DMA_TO_DEVICE);
	return view->table;
}

static void ks_view_unmap(struct dma_buf_attachment *attachment,
			  struct sg_table *table,
			  enum dma_data_direction direction)
{
}

static int ks_view_begin_access(struct dma_buf *dmabuf,
				enum dma_data_direction direction)
{
	const struct ks_view *view = dmabuf->priv;

	if (direction != DMA_FROM_DEVICE)
		return -EACCES;
	if (view->flags & KS_VIEW_NO_SYNC)
		return 0;
	return dma_buf_begin_cpu_access(view->source, direction);
}

static int ks_view_end_access(struct dma_buf *dmabuf,
			      enum dma_data_direction direction)
{
	const struct ks_view *view = dmabuf->priv;

	if (direction != DMA_FROM_DEVICE)
		return -EACCES;
	if (view->flags & KS_VIEW_NO_SYNC)
		return 0;
	return dma_buf_end_cpu_access(view->source, direction);
}

/* Maps the source for reading only */
static int ks_view_mmap_source(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	int ret;

	vm_flags_clear(vma, VM_MAYWRITE);
	ret = dma_buf_mmap(ks_view_source(dmabuf), vma, vma->vm_pgoff);
	vm_flags_clear(vma, VM_MAYWRITE);
	if (ret || !vma->vm_ops || !vma->vm_ops->access)
		return ret;
	if (vma->vm_ops->close)
		vma->vm_ops->close(vma);
	return -EACCES;
}

static int ks_view_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_WRITE | VM_SHARED))
		return -EACCES;
	return ks_view_mmap_source(dmabuf, vma);
}

/*
 * Maps a view read-only for a file that is open for writing; mmap_lock is held for
 * writing. With VM_SHARED and the writable file of the source, remap_file_pages() could
 * make a mapping that mprotect() makes writable. So the mapping gets the file of @view. The
 * exporter of the source must not find its memory by vm_file; those of V4L2 do not. Maps from
 * the start of the view: vm_pgoff is ignored.
 */
int ks_view_mmap_shared(struct dma_buf *view, struct vm_area_struct *vma)
{
	int ret;

	if (vma_pages(vma) > view->size >> PAGE_SHIFT)
		return -EINVAL;
	vm_flags_clear(vma, VM_WRITE);
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	vma->vm_pgoff = 0;
	ret = ks_view_mmap_source(view, vma);
	vma_set_file(vma, view->file);
	return ret;
}

static void ks_view_release(struct dma_buf *dmabuf)
{
	dma_buf_put(ks_view_source(dmabuf));
	kfree(dmabuf->priv);
}

static const struct dma_buf_ops ks_view_ops = {
	.attach = ks_view_attach,
	.detach = ks_view_detach,
	.map_dma_buf = ks_view_map,
	.unmap_dma_buf = ks_view_unmap,
	.begin_cpu_access = ks_view_begin_access,
	.end_cpu_access = ks_view_end_access,
	.mmap = ks_view_mmap,
	.release = ks_view_release,
};

/*
 * The view takes a reference to @source. @bytes is in whole pages. The CPU cannot see the
 * rest of @source, but a device that imports the view can. @flags: enum ks_view_flags.
 */
struct dma_buf *ks_view_create(struct dma_buf *source, size_t bytes, u32 flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dma_buf *dmabuf;
	struct ks_view *view;

	view = kzalloc(sizeof(*view), GFP_KERNEL_ACCOUNT);
	if (!view)
		return ERR_PTR(-ENOMEM);
	view->source = source;
	view->flags = flags;
	info.ops = &ks_view_ops;
	info.size = bytes;
	info.flags = O_RDONLY;
	info.priv = view;
	get_dma_buf(source);
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		dma_buf_put(source);
		kfree(view);
	}
	return dmabuf;
}
EXPORT_SYMBOL_IF_KUNIT(ks_view_create);
