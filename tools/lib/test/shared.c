// SPDX-License-Identifier: GPL-2.0-only
#include <dlfcn.h>
#include <stdio.h>

#include "shared.h"
#include "tap.h"

static void check_symbol(void *library, const char *name, const char *version)
{
	if (dlvsym(library, name, version))
		return;
	printf("# not in the library: %s of %s\n", name, version);
	tap_failures++;
}

int check_shared_library(const char *library_path, const char *version_script)
{
	void *library = dlopen(library_path, RTLD_NOW | RTLD_LOCAL);
	FILE *script = fopen(version_script, "r");
	char line[128], name[128], version[128] = "";
	int symbols = 0;

	CHECK(library);
	CHECK(script);
	while (library && script && fgets(line, sizeof(line), script)) {
		if (sscanf(line, "%127[A-Z0-9_.] {", name) == 1)
			snprintf(version, sizeof(version), "%s", name);
		if (line[0] != '\t' || sscanf(line, "\t%127[A-Za-z0-9_];", name) != 1)
			continue;
		check_symbol(library, name, version);
		symbols++;
	}
	if (library)
		dlclose(library);
	if (script)
		fclose(script);
	return symbols;
}
