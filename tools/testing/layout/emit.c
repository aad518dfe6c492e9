// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sizes, offsets, constants and GUIDs as data in a section of the object file. They can
 * be read without running the program, which can be one for Windows:
 *
 *	-DKERNEL_NAMES	contract.def as <linux/ksalloc.h> has it
 *	(nothing)	contract.def, client.def and vocabulary.def as the headers in the
 *			include path have it: Windows' or libkswin's. The script vocabulary
 *			writes vocabulary.def
 *	-DDRIVER	only DRIVERS_VALUE() of contract.def and client.def, with the
 *			headers of Windows for drivers
 *
 * The Makefile says what IN_SECTION is.
 */
#if defined(KERNEL_NAMES)
#include <stddef.h>
#include <linux/ksalloc.h>
#elif defined(DRIVER)
#include <ntddk.h>
#include <stddef.h>
#include <windef.h>
#include <ks.h>
#else
#include <stddef.h>
#include "headers.h"
#endif

#define NAME_SIZE 112

/* Read by compare, in the object file */
struct record {
	/* cppcheck-suppress unusedStructMember */
	char name[NAME_SIZE];
	/* cppcheck-suppress unusedStructMember */
	long long value;
	/* cppcheck-suppress unusedStructMember */
	unsigned char bytes[16];
};

#define RECORD(text, number) { .name = text, .value = (long long)(number) },
#define SIZE_AND_OFFSET(text, type, field) \
	RECORD("offset " text, offsetof(type, field)) \
	RECORD("size " text, sizeof(((type *)0)->field))
#define LITERAL(text, is) RECORD("value " text, is)

#if defined(KERNEL_NAMES)
#define STRUCT(type, kernel_type) RECORD("size " #type, sizeof(kernel_type))
#define STRUCT_PLUS(type, kernel_type, plus) \
	RECORD("size " #type, sizeof(kernel_type) + sizeof(plus))
#define FIELD(type, field, kernel_type, kernel_field) \
	SIZE_AND_OFFSET(#type "." #field, kernel_type, kernel_field)
#define FIELD_AT(type, field, kernel_type, kernel_field, offset, size) \
	FIELD(type, field, kernel_type, kernel_field)
#define VALUE(name) LITERAL(#name, (unsigned int)(name))
#define VALUE_IS(name, is) LITERAL(#name, (unsigned int)(name))
#define DRIVERS_VALUE(name, kernel_name, is) LITERAL(#name, (unsigned int)(kernel_name))

#elif defined(DRIVER)
#define STRUCT(type, kernel_type)
#define STRUCT_PLUS(type, kernel_type, plus)
#define FIELD(type, field, kernel_type, kernel_field)
#define FIELD_AT(type, field, kernel_type, kernel_field, offset, size)
#define VALUE(name)
#define VALUE_IS(name, is)
#define DRIVERS_VALUE(name, kernel_name, is) LITERAL(#name, (unsigned int)(name))

#else
#define STRUCT(type, kernel_type) RECORD("size " #type, sizeof(type))
#define STRUCT_PLUS(type, kernel_type, plus) STRUCT(type, kernel_type)
#define FIELD(type, field, kernel_type, kernel_field) \
	SIZE_AND_OFFSET(#type "." #field, type, field)
#define VALUE(name) LITERAL(#name, (unsigned int)(name))
#ifdef _WIN32
/*
 * If mingw-w64 adds these one day, they are enumerators or fields, which #ifdef cannot
 * detect
 */
#define FIELD_AT(type, field, kernel_type, kernel_field, offset, size) \
	RECORD("offset " #type "." #field, offset) \
	RECORD("size " #type "." #field, size)
#define VALUE_IS(name, is) LITERAL(#name, is)
#define DRIVERS_VALUE(name, kernel_name, is)
#else
#define FIELD_AT(type, field, kernel_type, kernel_field, offset, size) \
	FIELD(type, field, kernel_type, kernel_field)
#define VALUE_IS(name, is) LITERAL(#name, (unsigned int)(name))
#define DRIVERS_VALUE(name, kernel_name, is) LITERAL(#name, (unsigned int)(kernel_name))
#endif
#endif

#define GROUP(name) RECORD("group " #name, 0)

#define GUID_OF(name)
const struct record IN_SECTION numbers[] = {
#include "contract.def"
#ifndef KERNEL_NAMES
#include "client.def"
#ifndef DRIVER
#include "vocabulary.def"
#endif
#endif
};

#ifndef DRIVER
#undef STRUCT
#undef STRUCT_PLUS
#undef FIELD
#undef FIELD_AT
#undef VALUE
#undef VALUE_IS
#undef DRIVERS_VALUE
#undef GUID_OF
#undef SAME
#define STRUCT(type, kernel_type)
#define STRUCT_PLUS(type, kernel_type, plus)
#define FIELD(type, field, kernel_type, kernel_field)
#define FIELD_AT(type, field, kernel_type, kernel_field, offset, size)
#define VALUE(name)
#define VALUE_IS(name, is)
#define DRIVERS_VALUE(name, kernel_name, is)

/* A GUID in memory has the same bytes on both systems, because both are little-endian */
struct guid_record {
	/* cppcheck-suppress unusedStructMember */
	char name[NAME_SIZE];
	/* cppcheck-suppress unusedStructMember */
	long long value;
#ifdef KERNEL_NAMES
	struct ks_guid guid;
#else
	GUID guid;
#endif
};

#ifdef KERNEL_NAMES
#define GUID_OF(text) { .name = "guid " #text, .guid = text },
#else
#define GUID_OF(text) { .name = "guid " #text, .guid = { STATIC_##text } },
#endif

const struct guid_record IN_SECTION guids[] = {
#include "contract.def"
#ifndef KERNEL_NAMES
#include "client.def"
#ifndef DRIVER
#include "vocabulary.def"
#endif
#endif
};
#endif
