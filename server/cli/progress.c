#include "server/cli/progress.h"

#include <inttypes.h>
#include <string.h>

enum { BAR_WIDTH = 30 };

void progress_init(struct progress *p, FILE *out, bool terminal, const char *what)
{
	*p = (struct progress){.out = out, .terminal = terminal, .what = what};
}

void progress_hide(struct progress *p)
{
	if (p->drawn) {
		fputs("\r\033[K", p->out);
		fflush(p->out);
	}
	p->drawn = false;
}

void progress_stage(struct progress *p, const char *text)
{
	if (!p->terminal)
		return;
	progress_hide(p);
	fputs(text, p->out);
	fflush(p->out);
	p->drawn = true;
}

static void put_bar(char *ret_text, unsigned percent)
{
	const size_t full = BAR_WIDTH * percent / 100;

	*ret_text++ = '[';
	memset(ret_text, ' ', BAR_WIDTH);
	memset(ret_text, '=', full);
	if (full < BAR_WIDTH)
		ret_text[full] = '>';
	memcpy(ret_text + BAR_WIDTH, "] ", 3);
}

void progress_text(const struct progress *p, uint64_t done, uint64_t expected, int64_t now_ms,
		   char ret_text[static PROGRESS_TEXT_MAX])
{
	const int64_t ms = now_ms - p->start_ms;
	const uint64_t rate = ms > 0 ? (uint64_t)((double)done * 1000.0 / (double)ms) : 0;
	/* What was written after the start may make more of what was expected. */
	const unsigned percent = done < expected ? (unsigned)((double)done * 100.0 / (double)expected) : 100;
	char bar[BAR_WIDTH + 4] = "";
	char left[40] = "";

	if (p->terminal && expected > 0)
		put_bar(bar, percent);
	if (rate > 0 && done < expected) {
		const uint64_t seconds = (expected - done) / rate;

		snprintf(left, sizeof(left), ", %" PRIu64 ":%02u left", seconds / 60, (unsigned)(seconds % 60));
	}
	if (expected > 0)
		snprintf(ret_text, PROGRESS_TEXT_MAX, "%s%3u%%  %" PRIu64 " of %" PRIu64 " %s, %" PRIu64 "/s%s", bar,
			 percent, done, expected, p->what, rate, left);
	else
		snprintf(ret_text, PROGRESS_TEXT_MAX, "%" PRIu64 " %s, %" PRIu64 "/s", done, p->what, rate);
}

void progress_update(struct progress *p, uint64_t done, uint64_t expected, int64_t now_ms)
{
	char text[PROGRESS_TEXT_MAX];

	if (!p->running) {
		p->running = true;
		p->start_ms = p->last_ms = now_ms;
	}
	if (now_ms - p->last_ms < (p->terminal ? PROGRESS_BAR_MS : PROGRESS_LINE_MS))
		return;
	p->last_ms = now_ms;
	progress_hide(p);
	progress_text(p, done, expected, now_ms, text);
	fprintf(p->out, p->terminal ? "%s" : "coffer: %s\n", text);
	fflush(p->out);
	p->drawn = p->terminal;
}
