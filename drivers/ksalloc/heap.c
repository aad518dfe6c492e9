// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a frame's memory comes from: dma-buf heaps.
 *
 * The kernel exports no call to allocate from a heap, but the heap's ioctl is
 * stable ABI. So a frame is allocated by the same call, in the caller's own
 * context, on a file that the caller has opened and with the checks that the
 * caller's own ioctl would meet: nothing happens here that the caller could not
 * do without this module. For the same reason nothing that is read back is
 * trusted further than a dma-buf descriptor of the caller's would be.
 *
 * The ioctl takes its argument from user memory, for which a page is mapped
 * into the caller's address space for the time of the call. It is pinned, and
 * written and read through the kernel's own mapping, so that the answer, which
 * has a descriptor in it, cannot get lost. All this happens
 * when an allocator is created, never on the way of a frame.
 */
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <uapi/linux/dma-heap.h>

#include "ksalloc_priv.h"

/**
 * ks_heap_plausible() - could this file be a heap?
 * @file: any file
 *
 * What can be seen from outside is that a heap is a character device with
 * ioctls; the first allocation finds out the rest. The mode is not looked at, for
 * a heap does not look at it either, and read-only is how heaps are usually
 * opened.
 *
 * Context: any.
 * Return: whether it could.
 */
bool ks_heap_plausible(const struct file *file)
{
	return S_ISCHR(file_inode(file)->i_mode) && file->f_op->unlocked_ioctl;
}

/**
 * ks_heap_get() - take the file of a heap by its descriptor
 * @fd: the caller's descriptor
 *
 * Context: process context; does not sleep.
 * Return: the file, with a reference; -EBADF or -EINVAL.
 */
struct file *ks_heap_get(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (!ks_heap_plausible(file)) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}

	return file;
}

/* The heap's own ioctl, as fs/ioctl.c would call it */
static int ks_heap_ioctl(struct file *heap, unsigned long uarg)
{
	long ret = security_file_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, uarg);

	if (ret)
		return ret;
	ret = heap->f_op->unlocked_ioctl(heap, DMA_HEAP_IOCTL_ALLOC, uarg);

	switch (ret) {
	case 0:
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -EINTR:
	case -ERESTARTSYS:
		return ret;
	default:
		/* What no heap says comes from a file that is none */
		return -EINVAL;
	}
}

/*
 * Takes the dma-buf out of the caller's descriptor, and closes that. A file that
 * is no heap and took the ioctl for something else may have left any number; so
 * what is no dma-buf is left alone.
 */
static struct dma_buf *ks_heap_take(int fd, size_t bytes)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);

	if (IS_ERR(dmabuf))
		return ERR_PTR(-EINVAL);
	close_fd(fd);
	if (dmabuf->size < bytes) {
		dma_buf_put(dmabuf);
		return ERR_PTR(-EINVAL);
	}

	return dmabuf;
}

/*
 * Needs the process context of a task with an address space, and no lock held: the
 * heap can be any file, and take as long as it likes. The answer is -EINVAL where
 * the file is no heap; -ENOMEM, -EMFILE, -EINTR; what a security module says.
 */
static int ks_heap_alloc(void *context, u32 index, size_t bytes,
			 struct ksalloc_memory *memory)
{
	struct file *heap = context;
	struct dma_heap_allocation_data data = {
		.len = bytes,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};
	struct page *page;
	unsigned long addr;
	int ret;

	might_sleep();

	if (!current->mm)
		return -EOPNOTSUPP;

	addr = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(addr))
		return addr;
	ret = pin_user_pages_fast(addr, 1, FOLL_WRITE, &page);
	if (ret != 1) {
		ret = fatal_signal_pending(current) ? -EINTR : -ENOMEM;
		goto out;
	}

	memcpy_to_page(page, 0, (char *)&data, sizeof(data));
	ret = ks_heap_ioctl(heap, addr);
	memcpy_from_page((char *)&data, page, 0, sizeof(data));
	unpin_user_page(page);
out:
	vm_munmap(addr, PAGE_SIZE);

	if (ret)
		return ret;
	memory->dmabuf = ks_heap_take(data.fd, bytes);
	return PTR_ERR_OR_ZERO(memory->dmabuf);
}

static void ks_heap_free(void *context, u32 index,
			 struct ksalloc_memory *memory)
{
	dma_buf_put(memory->dmabuf);
}

/* Heap memory. The creator is the heap's file, which is not needed later */
const struct ksalloc_memory_ops ks_heap_memory_ops = {
	.owner = THIS_MODULE,
	.alloc = ks_heap_alloc,
	.free = ks_heap_free,
};

/**
 * ks_dma_buf_fd() - a new descriptor of a dma-buf, in the calling task
 * @dmabuf: the dma-buf; the descriptor has a reference of its own
 *
 * Context: process context; may sleep. Not in a task that is exiting, which has
 * no descriptors any more.
 * Return: a descriptor, close-on-exec; -EMFILE or -ENOMEM.
 */
int ks_dma_buf_fd(struct dma_buf *dmabuf)
{
	int fd;

	get_dma_buf(dmabuf);
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

/**
 * struct ks_stray - a file to be closed when no lock is held
 * @link: on ks_strays
 * @file: the file
 * @task: whose descriptor it was
 */
struct ks_stray {
	struct list_head link;
	struct file *file;
	struct task_struct *task;
};

static DEFINE_SPINLOCK(ks_strays_lock);
LIST_HEAD(ks_strays);

/**
 * ks_dma_buf_close_fd() - close what ks_dma_buf_fd() made, under locks
 * @dmabuf: the dma-buf
 * @fd: the descriptor
 *
 * Another thread may have put another file in its place. To close that one can
 * take for ever, or want the same locks; so it is left to ks_close_strays().
 *
 * Context: process context; sleeps.
 */
void ks_dma_buf_close_fd(const struct dma_buf *dmabuf, int fd)
{
	struct file *file = file_close_fd(fd);
	struct ks_stray *stray;

	if (!file)
		return;
	if (file == dmabuf->file) {
		filp_close(file, current->files);
		return;
	}

	stray = kmalloc(sizeof(*stray), GFP_KERNEL | __GFP_NOFAIL);
	stray->file = file;
	stray->task = current;
	spin_lock(&ks_strays_lock);
	list_add(&stray->link, &ks_strays);
	spin_unlock(&ks_strays_lock);
}

/**
 * __ks_close_strays() - close what the calling task could not close before
 *
 * Context: process context; sleeps. No lock is held.
 */
void __ks_close_strays(void)
{
	struct ks_stray *stray, *next;
	LIST_HEAD(mine);

	spin_lock(&ks_strays_lock);
	list_for_each_entry_safe(stray, next, &ks_strays, link)
		if (stray->task == current)
			list_move(&stray->link, &mine);
	spin_unlock(&ks_strays_lock);

	list_for_each_entry_safe(stray, next, &mine, link) {
		filp_close(stray->file, current->files);
		kfree(stray);
	}
}
