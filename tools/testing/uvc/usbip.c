// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device side of USB/IP. Documentation/usb/usbip_protocol.rst of the kernel describes
 * the protocol. All numbers are big endian.
 */
#include "camera.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VHCI "/sys/devices/platform/vhci_hcd.0/"
/* In its file "status" */
#define PORT_IS_FREE 4
#define SPEED_HIGH 3

enum {
	CMD_SUBMIT = 1,
	CMD_UNLINK = 2,
	RET_SUBMIT = 3,
	RET_UNLINK = 4,
};

/* The words of a message that are used here */
enum {
	/* CMD_UNLINK: the transfer */
	WORD_SEQUENCE = 0,
	/* Answers: a negative errno */
	WORD_STATUS = 0,
	/* CMD_SUBMIT, RET_SUBMIT */
	WORD_LENGTH = 1,
	WORD_PACKETS = 3,
	WORDS = 5,
};

struct message {
	uint32_t command;
	uint32_t sequence;
	uint32_t device;
	uint32_t direction;
	uint32_t endpoint;
	uint32_t word[WORDS];
	uint8_t setup[8];
};

struct transfers control_transfers = { .last = &control_transfers.first };
struct transfers video_transfers = { .last = &video_transfers.first };
struct transfers status_transfers = { .last = &status_transfers.first };

static struct transfers *const all_transfers[] = {
	&control_transfers, &video_transfers, &status_transfers,
};

/*
 * vhci_hcd sends submitted transfers before cancelled ones. A transfer that was submitted
 * and cancelled in between is cancelled here before it arrives. It is answered when it
 * arrives.
 */
struct early {
	uint32_t sequence;
	uint32_t cancelled_by;
};

static struct early early[64];
static unsigned int early_count;
static uint32_t last_sequence;

static int host = -1;

static void host_is_gone(const char *what)
{
	say("the host has let go (%s), %u pictures sent", what, video_pictures());
	exit(0);
}

static void must_read(void *to, size_t bytes)
{
	char *at = to;

	while (bytes) {
		ssize_t got = read(host, at, bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			host_is_gone(got ? strerror(errno) : "closed");
		at += got;
		bytes -= got;
	}
}

static void must_write(const void *from, size_t bytes)
{
	const char *at = from;

	while (bytes) {
		ssize_t sent = send(host, at, bytes, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			host_is_gone(strerror(errno));
		at += sent;
		bytes -= sent;
	}
}

static void add(struct transfers *list, struct transfer *transfer)
{
	*list->last = transfer;
	list->last = &transfer->next;
	list->count++;
}

static void drop(struct transfers *list, struct transfer *transfer)
{
	struct transfer **link = &list->first;

	while (*link != transfer)
		link = &(*link)->next;
	*link = transfer->next;
	if (!*link)
		list->last = link;
	list->count--;
	free(transfer->data);
	free(transfer->iso);
	free(transfer);
}

static size_t put_packets(uint8_t *out, const struct transfer *transfer)
{
	size_t used = 0;
	uint32_t i;

	for (i = 0; i < transfer->packets; i++) {
		const struct iso_packet packet = {
			.offset = htonl(transfer->iso[i].offset),
			.length = htonl(transfer->iso[i].length),
			.actual_length = htonl(transfer->iso[i].actual_length),
			.status = htonl(transfer->iso[i].status),
		};

		memcpy(out + used, &packet, sizeof(packet));
		used += sizeof(packet);
	}
	return used;
}

void usbip_answer(struct transfers *list, struct transfer *transfer, int status,
		  const void *data, uint32_t bytes)
{
	struct message message = {
		.command = htonl(RET_SUBMIT),
		.sequence = htonl(transfer->sequence),
		.word = {
			[WORD_STATUS] = htonl(status),
			[WORD_LENGTH] = htonl(bytes),
			[WORD_PACKETS] = htonl(transfer->packets),
		},
	};
	static uint8_t out[2 << 20];
	size_t used = sizeof(message);

	if (used + bytes + transfer->packets * sizeof(struct iso_packet) > sizeof(out))
		die("a transfer is too large: %u bytes", bytes);
	memcpy(out, &message, sizeof(message));
	if (data && transfer->in) {
		memcpy(out + used, data, bytes);
		used += bytes;
	}
	used += put_packets(out + used, transfer);
	must_write(out, used);
	drop(list, transfer);
}

static void answer_cancel(uint32_t sequence, int status)
{
	const struct message message = {
		.command = htonl(RET_UNLINK),
		.sequence = htonl(sequence),
		.word[WORD_STATUS] = htonl(status),
	};

	must_write(&message, sizeof(message));
}

static bool cancel_in(struct transfers *list, uint32_t sequence)
{
	struct transfer *transfer;

	for (transfer = list->first; transfer; transfer = transfer->next) {
		if (transfer->sequence == sequence) {
			drop(list, transfer);
			return true;
		}
	}
	return false;
}

static void cancel(uint32_t sequence, uint32_t cancelled_by)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all_transfers); i++) {
		if (cancel_in(all_transfers[i], sequence)) {
			answer_cancel(cancelled_by, -ECONNRESET);
			return;
		}
	}
	if ((int32_t)(sequence - last_sequence) > 0 && early_count < ARRAY_SIZE(early))
		early[early_count++] = (struct early){ sequence, cancelled_by };
	else
		answer_cancel(cancelled_by, 0);
}

/* Whether the transfer that has just arrived was cancelled before; if so, it is removed. */
static bool was_cancelled(struct transfers *list, struct transfer *transfer)
{
	unsigned int i;

	for (i = 0; i < early_count; i++) {
		if (early[i].sequence == transfer->sequence) {
			answer_cancel(early[i].cancelled_by, -ECONNRESET);
			early[i] = early[--early_count];
			drop(list, transfer);
			return true;
		}
	}
	return false;
}

static void read_packets(struct transfer *transfer)
{
	struct iso_packet packet;
	uint32_t i;

	for (i = 0; i < transfer->packets; i++) {
		must_read(&packet, sizeof(packet));
		transfer->iso[i].offset = ntohl(packet.offset);
		transfer->iso[i].length = ntohl(packet.length);
	}
}

static void *must_allocate(size_t bytes)
{
	void *memory = calloc(1, bytes);

	if (!memory)
		die("out of memory");
	return memory;
}

static void receive_transfer(const struct message *message)
{
	struct transfer *transfer = must_allocate(sizeof(*transfer));
	int32_t packets = ntohl(message->word[WORD_PACKETS]);
	struct transfers *list;

	transfer->sequence = ntohl(message->sequence);
	transfer->endpoint = ntohl(message->endpoint);
	transfer->in = message->direction;
	transfer->length = ntohl(message->word[WORD_LENGTH]);
	transfer->packets = packets > 0 ? packets : 0;
	transfer->submitted_ns = now_ns();
	memcpy(transfer->setup, message->setup, sizeof(transfer->setup));
	if (!transfer->in && transfer->length) {
		transfer->data = must_allocate(transfer->length);
		must_read(transfer->data, transfer->length);
	}
	if (transfer->packets) {
		transfer->iso = must_allocate(transfer->packets * sizeof(*transfer->iso));
		read_packets(transfer);
	}

	list = !transfer->endpoint ? &control_transfers :
	       transfer->endpoint == VIDEO_ENDPOINT ? &video_transfers :
						      &status_transfers;
	add(list, transfer);
	last_sequence = transfer->sequence;
	was_cancelled(list, transfer);
}

void usbip_receive(void)
{
	struct message message;

	must_read(&message, sizeof(message));
	switch (ntohl(message.command)) {
	case CMD_SUBMIT:
		receive_transfer(&message);
		break;
	case CMD_UNLINK:
		cancel(ntohl(message.word[WORD_SEQUENCE]), ntohl(message.sequence));
		break;
	default:
		die("a message of an unknown kind: %u", ntohl(message.command));
	}
}

static FILE *open_status(void)
{
	FILE *file = fopen(VHCI "status", "r");

	if (!file)
		die("%sstatus: %s; is vhci_hcd loaded?", VHCI, strerror(errno));
	return file;
}

/* A line is "hs PORT STATUS …", for high-speed ports */
static int find_port(void)
{
	FILE *file = open_status();
	unsigned int port, status;
	char line[256];
	int found = -1;

	while (found < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "hs %u %u", &port, &status) == 2 &&
		    status == PORT_IS_FREE)
			found = port;
	fclose(file);
	return found;
}

/* @end: vhci_hcd's end of the socket. Another camera may use the port meanwhile. */
static bool try_attach(int end)
{
	int port = find_port();
	char text[64];
	ssize_t done;
	int file, length;

	if (port < 0)
		die("vhci_hcd has no free port");
	length = snprintf(text, sizeof(text), "%d %d %d %d", port, end, port + 1,
			  SPEED_HIGH);
	file = open(VHCI "attach", O_WRONLY | O_CLOEXEC);
	if (file < 0)
		die("%sattach: %s", VHCI, strerror(errno));
	done = write(file, text, length);
	if (done < 0 && errno != EBUSY && errno != EINVAL)
		die("%sattach: %s", VHCI, strerror(errno));
	close(file);
	return done == length;
}

int usbip_attach(void)
{
	int ends[2], size = 4 << 20, tries = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		die("socketpair: %s", strerror(errno));
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	while (!try_attach(ends[1]))
		if (++tries == 10)
			die("vhci_hcd does not take the camera: %s", strerror(errno));
	close(ends[1]);
	host = ends[0];
	return host;
}
