// SPDX-License-Identifier: GPL-2.0-only
/*
 * GUIDs as objects: the headers define them if DEFINE_GUIDEX() and DEFINE_GUID() do. They are
 * weak, so that a client can define them too and link with the static library.
 */
#define INITGUID
#include <ks/win/windows.h>

/* The lists of numbers in the headers have no inner braces for the last eight bytes */
#define DEFINE_EXPANDED(name, ...) KS_WIN_DEFINE_GUID(name, __VA_ARGS__)
#define DEFINE_GUIDEX(name) DEFINE_EXPANDED(name, STATIC_##name)

#pragma GCC visibility push(default)
#include <ks/win/ks.h>
#include <ks/win/ksmedia.h>
#include <ks/win/uuids.h>
#pragma GCC visibility pop
