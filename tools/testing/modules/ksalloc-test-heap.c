// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dma-buf heap /dev/dma_heap/system for kernels without heaps. With this module, the tests of
 * heap memory can run there, if ksalloc was built as for a kernel with heaps: see WITH_HEAP in
 * ../check. The pages of a buffer are not contiguous, as in the system heap of other kernels.
 */
#include <linux/compat.h>
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <uapi/linux/dma-heap.h>

/**
 * struct heap_buffer - the memory of a dma-buf
 * @vaddr: mapping for the kernel
 * @bytes: size, a multiple of the page size
 * @lock: protects @attachments
 * @attachments: attached devices
 */
struct heap_buffer {
	void *vaddr;
	size_t bytes;
	struct mutex lock; /* the list */
	struct list_head attachments;
};

/**
 * struct heap_attachment - a device that is attached to a buffer
 * @link: in &heap_buffer.attachments
 * @dev: the device
 * @table: the pages, with addresses for the device if @mapped
 * @mapped: the pages are mapped for the device
 */
struct heap_attachment {
	struct list_head link;
	struct device *dev;
	struct sg_table table;
	bool mapped;
};

static int heap_attach(struct dma_buf *dmabuf,
		       struct dma_buf_attachment *attachment)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *ours;
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	ours = kzalloc(sizeof(*ours), GFP_KERNEL);
	if (!ours)
		return -ENOMEM;
	ret = sg_alloc_table(&ours->table, buffer->bytes >> PAGE_SHIFT,
			     GFP_KERNEL);
	if (ret) {
		kfree(ours);
		return ret;
	}
	for_each_sgtable_sg(&ours->table, sg, i)
		sg_set_page(sg, vmalloc_to_page(buffer->vaddr + i * PAGE_SIZE),
			    PAGE_SIZE, 0);
	ours->dev = attachment->dev;
	attachment->priv = ours;

	mutex_lock(&buffer->lock);
	list_add(&ours->link, &buffer->attachments);
	mutex_unlock(&buffer->lock);
	return 0;
}

static void heap_detach(struct dma_buf *dmabuf,
			struct dma_buf_attachment *attachment)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *ours = attachment->priv;

	mutex_lock(&buffer->lock);
	list_del(&ours->link);
	mutex_unlock(&buffer->lock);
	sg_free_table(&ours->table);
	kfree(ours);
}

static struct sg_table *heap_map(struct dma_buf_attachment *attachment,
				 enum dma_data_direction direction)
{
	struct heap_attachment *ours = attachment->priv;
	int ret;

	ret = dma_map_sgtable(ours->dev, &ours->table, direction, 0);
	if (ret)
		return ERR_PTR(ret);
	ours->mapped = true;
	return &ours->table;
}

static void heap_unmap(struct dma_buf_attachment *attachment,
		       struct sg_table *table, enum dma_data_direction direction)
{
	struct heap_attachment *ours = attachment->priv;

	ours->mapped = false;
	dma_unmap_sgtable(ours->dev, table, direction, 0);
}

static int heap_begin_cpu_access(struct dma_buf *dmabuf,
				 enum dma_data_direction direction)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *ours;

	mutex_lock(&buffer->lock);
	list_for_each_entry(ours, &buffer->attachments, link)
		if (ours->mapped)
			dma_sync_sgtable_for_cpu(ours->dev, &ours->table,
						 direction);
	mutex_unlock(&buffer->lock);
	return 0;
}

static int heap_end_cpu_access(struct dma_buf *dmabuf,
			       enum dma_data_direction direction)
{
	struct heap_buffer *buffer = dmabuf->priv;
	struct heap_attachment *ours;

	mutex_lock(&buffer->lock);
	list_for_each_entry(ours, &buffer->attachments, link)
		if (ours->mapped)
			dma_sync_sgtable_for_device(ours->dev, &ours->table,
						    direction);
	mutex_unlock(&buffer->lock);
	return 0;
}

static int heap_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct heap_buffer *buffer = dmabuf->priv;

	return remap_vmalloc_range(vma, buffer->vaddr, vma->vm_pgoff);
}

static int heap_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct heap_buffer *buffer = dmabuf->priv;

	iosys_map_set_vaddr(map, buffer->vaddr);
	return 0;
}

static void heap_release(struct dma_buf *dmabuf)
{
	struct heap_buffer *buffer = dmabuf->priv;

	vfree(buffer->vaddr);
	mutex_destroy(&buffer->lock);
	kfree(buffer);
}

static const struct dma_buf_ops heap_ops = {
	.attach = heap_attach,
	.detach = heap_detach,
	.map_dma_buf = heap_map,
	.unmap_dma_buf = heap_unmap,
	.begin_cpu_access = heap_begin_cpu_access,
	.end_cpu_access = heap_end_cpu_access,
	.mmap = heap_mmap,
	.vmap = heap_vmap,
	.release = heap_release,
};

static struct dma_buf *heap_alloc(u64 len, u32 fd_flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct heap_buffer *buffer;
	struct dma_buf *dmabuf;

	if (len > (u64)totalram_pages() / 2 << PAGE_SHIFT)
		return ERR_PTR(-ENOMEM);
	buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	mutex_init(&buffer->lock);
	INIT_LIST_HEAD(&buffer->attachments);
	buffer->bytes = PAGE_ALIGN(len);
	buffer->vaddr = vmalloc_user(buffer->bytes);
	dmabuf = ERR_PTR(fatal_signal_pending(current) ? -EINTR : -ENOMEM);
	if (!buffer->vaddr)
		goto err_buffer;

	info.ops = &heap_ops;
	info.size = buffer->bytes;
	info.flags = fd_flags & O_ACCMODE;
	info.priv = buffer;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf))
		goto err_memory;
	return dmabuf;

err_memory:
	vfree(buffer->vaddr);
err_buffer:
	kfree(buffer);
	return dmabuf;
}

static long heap_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;
	struct dma_heap_allocation_data data;
	struct dma_buf *dmabuf;
	int fd;

	if (cmd != DMA_HEAP_IOCTL_ALLOC)
		return -ENOTTY;
	if (copy_from_user(&data, uarg, sizeof(data)))
		return -EFAULT;
	if (!data.len || data.fd || data.heap_flags ||
	    data.fd_flags & ~(O_CLOEXEC | O_ACCMODE))
		return -EINVAL;
	dmabuf = heap_alloc(data.len, data.fd_flags);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	fd = dma_buf_fd(dmabuf, data.fd_flags & O_CLOEXEC);
	if (fd < 0) {
		dma_buf_put(dmabuf);
		return fd;
	}
	data.fd = fd;
	return copy_to_user(uarg, &data, sizeof(data)) ? -EFAULT : 0;
}

static const struct file_operations heap_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = heap_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice heap_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ksalloc-test-heap",
	.nodename = "dma_heap/system",
	.fops = &heap_fops,
};

module_misc_device(heap_device);

MODULE_DESCRIPTION("A dma-buf heap for tests of ksalloc");
MODULE_LICENSE("GPL");
/* Taints the kernel */
MODULE_INFO(test, "Y");
/* MODULE_IMPORT_NS() takes an identifier up to 6.12 and a string from 6.13 on */
MODULE_INFO(import_ns, "DMA_BUF");
