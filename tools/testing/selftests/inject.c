// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault injection of the kernel: see inject.h.
 */
#include "inject.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ksalloc_test.h"

#define DEBUGFS "/sys/kernel/debug/"
#define SECTION "/sys/module/ksalloc/sections/.text"
#define CORE_SIZE "/sys/module/ksalloc/coresize"
#define FAIL_NTH "/proc/thread-self/fail-nth"

/* The maximum depth at which the kernel looks for the module on the stack */
#define DEPTH "32"

const char * const fault_kind_names[KINDS] = { "slab", "pages", "copies" };

static const char * const kind_dirs[KINDS] = {
	DEBUGFS "failslab", DEBUGFS "fail_page_alloc", DEBUGFS "fail_usercopy",
};

/* An address range: from the first address to before the second */
struct range {
	unsigned long long start, end;
};

/* A function of the kernel that was looked up */
struct symbol {
	char name[32];
	struct range range;
};

/* The search takes long, so all tests share its results. */
#define SYMBOLS_MAX 4
static struct symbol *symbols;

/* The fail-nth file of the calling thread, and the descriptors that fill its table */
static int fail_nth;
static enum fault_kind current;
/* The arguments of inject_arm_space() */
static unsigned int armed_space, armed_failures;
static int fillers[TABLE_SIZE], filled;

static __attribute__((constructor)) void make_symbols(void)
{
	symbols = mmap(NULL, SYMBOLS_MAX * sizeof(*symbols),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
}

static int set_attribute(enum fault_kind kind, const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", kind_dirs[kind], name);
	return write_text(path, value);
}

static void set_range(enum fault_kind kind, const char *what,
		      const struct range *range)
{
	char name[32], value[32];

	snprintf(name, sizeof(name), "%s-start", what);
	snprintf(value, sizeof(value), "%#llx", range->start);
	ASSERT_EQ(0, set_attribute(kind, name, value));
	snprintf(name, sizeof(name), "%s-end", what);
	snprintf(value, sizeof(value), "%#llx", range->end);
	ASSERT_EQ(0, set_attribute(kind, name, value));
}

bool inject_is_possible(void)
{
	char path[128];
	int kind;

	for (kind = 0; kind < KINDS; kind++) {
		snprintf(path, sizeof(path), "%s/stacktrace-depth",
			 kind_dirs[kind]);
		if (access(path, F_OK))
			return false;
	}
	return !access(FAIL_NTH, F_OK);
}

static unsigned long long number_in(const char *path)
{
	char text[64] = "";

	ASSERT_LT(0, read_text(path, text, sizeof(text)));
	return strtoull(text, NULL, 0);
}

/* The kernel or its compiler can have made a variant of a function, with a suffix. */
static bool names(const char *name, const char *function)
{
	static const char * const suffixes[] = { "_noprof", ".constprop", ".isra" };
	size_t length = strlen(function);
	unsigned int i;

	if (strncmp(name, function, length) || strstr(name, ".cold"))
		return false;
	for (i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (!strncmp(name + length, suffixes[i], strlen(suffixes[i])))
			return true;
	return !name[length];
}

/* It ends where the next function begins. */
static void find_function(FILE *kallsyms, const char *wanted, struct range *range)
{
	unsigned long long address;
	char name[256];

	range->start = 0;
	while (!range->start &&
	       fscanf(kallsyms, "%llx %*c %255s%*[^\n]", &address, name) >= 1)
		if (names(name, wanted))
			range->start = address;
	ASSERT_NE(0, range->start);
	/* Functions of a module are not sorted. */
	rewind(kallsyms);
	range->end = ULLONG_MAX;
	while (fscanf(kallsyms, "%llx %*c %255s%*[^\n]", &address, name) >= 1)
		if (address > range->start && address < range->end)
			range->end = address;
}

static const struct range *range_of(const char *function)
{
	struct symbol *symbol = symbols;
	FILE *kallsyms;

	while (symbol->name[0] && strcmp(symbol->name, function))
		symbol++;
	ASSERT_LT(symbol - symbols, SYMBOLS_MAX);
	if (symbol->name[0])
		return &symbol->range;
	kallsyms = fopen("/proc/kallsyms", "r");
	ASSERT_NE(NULL, kallsyms);
	find_function(kallsyms, function, &symbol->range);
	fclose(kallsyms);
	snprintf(symbol->name, sizeof(symbol->name), "%s", function);
	return &symbol->range;
}

void inject_set_up(const char *except)
{
	struct range module;
	int kind;

	module.start = number_in(SECTION);
	module.end = module.start + number_in(CORE_SIZE);
	for (kind = 0; kind < KINDS; kind++) {
		ASSERT_EQ(0, set_attribute(kind, "verbose", "0"));
		ASSERT_EQ(0, set_attribute(kind, "stacktrace-depth", "0"));
		set_range(kind, "require", &module);
		set_range(kind, "reject", range_of(except));
	}
	ASSERT_EQ(0, set_attribute(SLAB, "ignore-gfp-wait", "N"));
	ASSERT_EQ(0, set_attribute(PAGES, "ignore-gfp-wait", "N"));
	ASSERT_EQ(0, set_attribute(PAGES, "ignore-gfp-highmem", "N"));
	ASSERT_EQ(0, set_attribute(PAGES, "min-order", "0"));
}

void inject_tear_down(void)
{
	int kind;

	for (kind = 0; kind < KINDS; kind++) {
		set_attribute(kind, "probability", "0");
		set_attribute(kind, "stacktrace-depth", "0");
	}
}

/* With depth 0, nothing is found on the stack and nothing is counted. */
void inject_begin(enum fault_kind chosen)
{
	int kind;

	current = chosen;
	fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fail_nth);
	for (kind = 0; kind < KINDS; kind++)
		ASSERT_EQ(0, set_attribute(kind, "stacktrace-depth",
					   kind == (int)chosen ? DEPTH : "0"));
}

void inject_end(void)
{
	close(fail_nth);
}

static void fill_table(void)
{
	int fd;

	filled = 0;
	while ((fd = dup(fail_nth)) < TABLE_SIZE) {
		ASSERT_LE(0, fd);
		fillers[filled++] = fd;
		if (fd == TABLE_SIZE - 1)
			return;
	}
	close(fd);
}

static void write_nth(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	ASSERT_EQ(length, pwrite(fail_nth, text, length, 0));
}

void inject_arm(unsigned int nth)
{
	fill_table();
	write_nth(nth);
}

static void empty_table(void)
{
	while (filled)
		close(fillers[--filled]);
}

bool inject_disarm(void)
{
	char text[16] = "";

	ASSERT_LT(0, pread(fail_nth, text, sizeof(text) - 1, 0));
	write_nth(0);
	empty_table();
	return atoi(text) == 0;
}

static unsigned int get_attribute(const char *name)
{
	char path[128], text[16] = "";

	snprintf(path, sizeof(path), "%s/%s", kind_dirs[current], name);
	ASSERT_LT(0, read_text(path, text, sizeof(text)));
	return atoi(text);
}

static void set_number(const char *name, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	ASSERT_EQ(0, set_attribute(current, name, text));
}

/* Nothing fails after "times" failures. */
void inject_arm_space(unsigned int space, unsigned int failures)
{
	fill_table();
	armed_space = space;
	armed_failures = failures;
	set_number("space", space);
	set_number("times", failures);
	set_number("probability", 100);
}

bool inject_disarm_space(unsigned int *before)
{
	set_number("probability", 0);
	*before = armed_space - get_attribute("space");
	empty_table();
	return get_attribute("times") < armed_failures;
}
