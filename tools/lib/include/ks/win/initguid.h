/* SPDX-License-Identifier: GPL-2.0-only */
/* After this file, DEFINE_GUID() defines objects. */
#ifndef INITGUID
#define INITGUID
#endif
#include "guiddef.h"
