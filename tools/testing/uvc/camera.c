// SPDX-License-Identifier: GPL-2.0-only
/*
 * camera - a USB camera in software; see usage().
 */
#include "camera.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct faults faults;
bool use_bulk, verbose;
const char *serial_number = "1";

static void usage(FILE *to)
{
	fputs("Usage: camera [-b] [-n] [-s SERIAL] [-v]\n"
	      "Plugs a USB camera into vhci_hcd; uvcvideo makes /dev/videoN of it. The\n"
	      "end of this program pulls the cable.\n"
	      "  -b         a bulk endpoint, not an isochronous one\n"
	      "  -n         no commands; else the end of the standard input ends it\n"
	      "  -s SERIAL  serial number (1)\n"
	      "  -v         say what is asked\n"
	      "Commands are lines of the standard input, each answered by a line:\n"
	      "  freeze 0|1   no more pictures\n"
	      "  hang 0|1|2   leave requests of the class (2: all) without an answer; with\n"
	      "               0 they get it\n"
	      "  pass N       answer N requests all the same\n"
	      "  stall 0|1    refuse requests of the class\n"
	      "  delay MS     answer requests so much later\n"
	      "  cut N        end each N-th picture after two thirds (0: none)\n"
	      "  damage N     mark each N-th picture as damaged\n"
	      "  black N      the first N pictures after a start are black\n"
	      "  tables 0|1   whether JPEG pictures have Huffman tables\n"
	      "  value N      say the value of control N of controls.h\n"
	      "  status       say: pictures N streaming 0|1 waiting N (requests)\n", to);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void vsay(const char *format, va_list args)
{
	fputs("camera: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
	exit(1);
}

static const struct {
	const char *name;
	unsigned int *value;
} commands[] = {
	{ "freeze", &faults.freeze },
	{ "hang", &faults.hang },
	{ "pass", &faults.pass },
	{ "stall", &faults.stall },
	{ "delay", &faults.delay_ms },
	{ "cut", &faults.cut },
	{ "damage", &faults.damage },
	{ "black", &faults.black },
};

static bool set_fault(const char *name, unsigned int value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(name, commands[i].name)) {
			*commands[i].value = value;
			if (!strcmp(name, "freeze"))
				video_thaw();
			return true;
		}
	}
	if (strcmp(name, "tables"))
		return false;
	faults.no_tables = !value;
	return true;
}

static void do_command(const char *line)
{
	unsigned int value;
	char name[16];

	if (!strcmp(line, "status"))
		printf("pictures %u streaming %d waiting %u\n", video_pictures(),
		       video_is_on(), control_transfers.count);
	else if (sscanf(line, "value %u", &value) == 1 && value < CONTROLS)
		printf("value %d\n", control_value(value));
	else if (sscanf(line, "%15s %u", name, &value) == 2 && set_fault(name, value))
		puts("ok");
	else
		printf("unknown: %s\n", line);
	fflush(stdout);
}

/* Reads the available input and executes complete commands; false at the end of the input */
static bool read_commands(void)
{
	static char text[256];
	static size_t used;
	ssize_t got = read(STDIN_FILENO, text + used, sizeof(text) - 1 - used);
	char *line = text, *end;

	if (got <= 0)
		return got < 0 && errno == EINTR;
	used += got;
	text[used] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		do_command(line);
	}
	used -= line - text;
	memmove(text, line, used);
	return used < sizeof(text) - 1;
}

/* Waits until there is input, or it is time for another event */
static void wait_for(struct pollfd *fds, nfds_t count, uint64_t until)
{
	uint64_t now = now_ns(), left = until > now ? until - now : 0;
	struct timespec timeout = {
		.tv_sec = left / NSEC_PER_SEC,
		.tv_nsec = left % NSEC_PER_SEC,
	};

	if (ppoll(fds, count, until == NEVER ? NULL : &timeout, NULL) < 0) {
		if (errno != EINTR)
			die("poll: %s", strerror(errno));
		fds[0].revents = 0;
		fds[1].revents = 0;
	}
}

static void run(int host, bool has_commands)
{
	struct pollfd fds[] = {
		{ .fd = host, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	uint64_t control, video;

	do {
		control = control_serve();
		video = video_serve();
		wait_for(fds, has_commands ? 2 : 1, control < video ? control : video);
		if (fds[0].revents)
			usbip_receive();
	} while (!fds[1].revents || read_commands());
}

int main(int argc, char **argv)
{
	bool has_commands = true;
	int option;

	while ((option = getopt(argc, argv, "bhns:v")) != -1) {
		switch (option) {
		case 'b':
			use_bulk = true;
			break;
		case 'n':
			has_commands = false;
			break;
		case 's':
			serial_number = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	descriptors_init();
	control_init();
	run(usbip_attach(), has_commands);
	return 0;
}
