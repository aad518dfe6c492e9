/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers, and calls with checks, for fuzz-libkswin.c. */
#ifndef WINFUZZ_H
#define WINFUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ks/win/windows.h>

void random_begin(uint64_t seed);
uint32_t random_bits(void);
uint32_t below(uint32_t limit);
bool one_in(uint32_t n);
/* A number at which code often goes wrong */
uint32_t any_number(void);
/* Nothing is mapped there. AddressSanitizer uses other small addresses */
void *bad_address(void);

/* A copy at the end of a block, so that the sanitizer sees the first byte behind it */
void *exactly(const unsigned char *data, size_t size);
/* The same for memory that the kernel writes for the library, which the sanitizer misses */
void *guarded(const unsigned char *data, size_t size);
/* Whether the guard is as it was */
bool free_guarded(void *data, size_t size);

/* Calls, those of them that were native, and violations of what is true of all */
extern unsigned long refused, accepted, native_refused, native_accepted, wrong;

void count_call(bool good);
/*
 * Makes a call, natively in one of four cases, and checks what is true of all: an error writes
 * nothing, and no answer is larger than its buffer.
 */
DWORD check_call(HANDLE handle, DWORD code, void *in, ULONG in_size, void *out, ULONG out_size,
		 bool writes);

#endif /* WINFUZZ_H */
