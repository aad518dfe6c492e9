/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attacks by a process of another user, whether it has a reader or a handle of the node of a share
 */
#ifndef SELFTESTS_ATTACKER_H
#define SELFTESTS_ATTACKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct attack {
	/* How often the process has tried everything, in memory that it shares with the test */
	atomic_uint *rounds;
	/* It sleeps at times, because a virtual clock is slow if a process never does */
	bool sleeps;
	/* The picture in a frame that another program keeps, and a copy from before the attack */
	const unsigned char *picture;
	unsigned char *copy;
	size_t size;
};

/* Sets up @attack. Call it before other tasks run, because it calls clock_is_virtual() */
void attack_prepare(struct attack *attack);
/* Copies a picture in mapped memory, which stays mapped until the attack ends */
void attack_keep_picture(struct attack *attack, const unsigned char *picture, size_t size);
/* The process has tried everything once more */
void attack_end_round(struct attack *attack);
/* Fails if the picture has changed, kills the process, and prints how many rounds there were */
void attack_end(struct attack *attack, pid_t process);

/*
 * Keeps no right, and ends with its parent. As after exec(), its own files in /proc belong to it
 */
void become_other_user(void);
/* Tries to write by changes of a mapping, which is read-only, of this file */
void map_for_writing(int fd, off_t offset, void *map, size_t size);
/* Tries to change @map by writes of the kernel: /proc/self/mem, process_vm_writev(), read() */
void write_by_calls(unsigned char *map);
/*
 * Traces a process that has the same mapping, and tries to write to it with PTRACE_POKEDATA. That
 * ignores the protection of pages even where proc_mem.force_override forbids it to /proc/PID/mem.
 * The camera must not fill the frame meanwhile
 */
void write_by_tracer(unsigned char *map);

#endif
