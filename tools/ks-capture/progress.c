// SPDX-License-Identifier: GPL-2.0-only
/* The progress line of a capture, and the summary. */
#include <stdio.h>

#include "field.h"
#include "progress.h"
#include "say.h"

#define PROGRESS_EVERY_S 0.2

/* The rate is measured from the first frame on, because the start takes some time */
static const char *rate_text(const struct session *session, char text[32])
{
	unsigned long frames = session->tally.frames;
	double time = session->ended - session->first;

	*text = 0;
	if (frames > 1 && time > 0)
		snprintf(text, 32, ", %.1f a second", (frames - 1) / time);
	return text;
}

void progress_show(struct session *session)
{
	const struct tally *tally = &session->tally;
	char total[32] = "", rate[32];

	if (!session->shows_progress || session->ended - session->shown < PROGRESS_EVERY_S)
		return;
	session->shown = session->ended;
	if (!tally->frames && tally->skipped) {
		say_progress("%lu skipped", tally->skipped);
		return;
	}
	if (session->options->frames)
		snprintf(total, sizeof(total), "/%lu", session->options->frames);
	say_progress("%lu%s %s%s, %lu dropped", tally->frames, total,
		     field_noun(session->device.field, 2), rate_text(session, rate),
		     tally->dropped);
}

void progress_summary(const struct session *session)
{
	const struct device *device = &session->device;
	const struct tally *tally = &session->tally;
	char code[FOURCC_TEXT], rate[32], gaps[48] = "", damaged[48] = "", dropped[48];
	char skipped[48] = "", passed[48] = "";

	if (tally->gaps)
		snprintf(gaps, sizeof(gaps), " in %lu gap%s", tally->gaps, &"s"[tally->gaps == 1]);
	if (tally->damaged)
		snprintf(damaged, sizeof(damaged), ", %lu of them damaged", tally->damaged);
	else if (tally->kept)
		snprintf(damaged, sizeof(damaged), ", %lu damaged ones used", tally->kept);
	if (tally->skipped)
		snprintf(skipped, sizeof(skipped), ", after %lu skipped", tally->skipped);
	if (tally->passed)
		snprintf(passed, sizeof(passed), ", %lu older ones skipped", tally->passed);
	snprintf(dropped, sizeof(dropped), "%lu dropped", tally->dropped);
	if (tally_is_blind(tally))
		snprintf(dropped, sizeof(dropped), "%lu damaged", tally->damaged);
	say_note("%lu %s of %s %ux%u in %.2f s%s, %s%s%s%s%s", tally->frames,
		 field_noun(device->field, tally->frames), fourcc_text(device->fourcc, code),
		 device->picture.width, device->picture.height,
		 session->ended - session->started, rate_text(session, rate), dropped, gaps,
		 tally_is_blind(tally) ? "" : damaged, passed, skipped);
	if (tally_is_blind(tally))
		say_note("all frames have the same sequence number, lost ones cannot be counted");
}
