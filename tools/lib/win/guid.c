// SPDX-License-Identifier: GPL-2.0-only
/*
 * GUIDs as objects: the headers define them if DEFINE_GUIDEX() does. They are weak, so that a
 * client can define them too and link with the static library.
 */
#include <ks/win/windows.h>

/* The lists of numbers in the headers have no inner braces for the last eight bytes */
#define GUID_FROM(d1, d2, d3, b0, b1, b2, b3, b4, b5, b6, b7) \
	{ d1, d2, d3, { b0, b1, b2, b3, b4, b5, b6, b7 } }
#define EXPANDED(...) GUID_FROM(__VA_ARGS__)
#define DEFINE_GUIDEX(name) \
	const GUID __attribute__((visibility("default"), weak)) name = EXPANDED(STATIC_##name)

#include <ks/win/ks.h>
#include <ks/win/ksmedia.h>
