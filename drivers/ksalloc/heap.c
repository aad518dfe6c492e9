// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames from dma-buf heaps.
 *
 * The kernel exports no function that allocates from a heap, but DMA_HEAP_IOCTL_ALLOC is
 * stable ABI. So this calls the ioctl handler of the heap, in the context of the caller, on a
 * file that the caller opened, and with the checks of an ioctl of the caller. The caller could
 * do the same without this module, so it gets no additional rights. The resulting descriptor
 * is checked like a descriptor from the caller.
 *
 * The handler reads its argument from user memory. So a page is mapped into the address space
 * of the caller during the call. The page is pinned, and this file accesses it through the
 * kernel's mapping: the caller can unmap the page at any time, and the descriptor in it must
 * not be lost. All this is done only when an allocator is created.
 *
 * A client that allocates from a heap itself does not need this. It is for programs that use
 * the ioctls directly.
 */
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <uapi/linux/dma-heap.h>

#include "heap.h"
#include "import.h"

/*
 * Whether a file could be a heap. There is no exact test before the first allocation. The
 * mode of the file does not matter: heaps ignore it, and are usually opened read-only.
 */
bool ks_heap_plausible(const struct file *file)
{
	return S_ISCHR(file_inode(file)->i_mode) && file->f_op->unlocked_ioctl;
}

/* Gets the file of a heap, with a reference, from the caller's descriptor */
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

/* Calls the ioctl of the heap like fs/ioctl.c */
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
		/* Heaps do not return other errors, so the file is not a heap */
		return -EINVAL;
	}
}

/*
 * Gets the dma-buf of the descriptor that the heap returned, and closes the descriptor. A file
 * that is not a heap may have returned any number, and the caller can change the number or the
 * descriptor at any time. So this takes and closes only dma-bufs that the caller could import.
 */
static struct dma_buf *ks_heap_take(int fd, size_t bytes)
{
	struct dma_buf *dmabuf = ks_import_dmabuf(fd);

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
 * Needs a task with an address space. Called without locks, because the heap can be any file
 * and take any time. Returns -EINVAL if the file is not a heap; -ENOMEM, -EMFILE, -EINTR; an
 * errno of a security module.
 */
static int ks_heap_alloc(void *context, u32 index, u32 plane, size_t bytes,
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
	/* Not -EAGAIN (mlockall() and RLIMIT_MEMLOCK), which means "try again" to callers */
	if (IS_ERR_VALUE(addr))
		return addr == (unsigned long)-EAGAIN ? -ENOMEM : (int)addr;
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

static void ks_heap_free(void *context, u32 index, u32 plane,
			 struct ksalloc_memory *memory)
{
	dma_buf_put(memory->dmabuf);
}

/* The creator is the file of the heap, which is needed only until the allocator is created */
const struct ksalloc_memory_ops ks_heap_memory_ops = {
	.owner = THIS_MODULE,
	.alloc = ks_heap_alloc,
	.free = ks_heap_free,
};
