#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/progress.h"

static char *written;
static size_t size;
static FILE *out;
static struct progress progress;

static void start(bool terminal)
{
	out = open_memstream(&written, &size);
	progress_init(&progress, out, terminal, "records");
}

static const char *now_written(void)
{
	fflush(out);
	return written;
}

static void teardown(void)
{
	fclose(out);
	free(written);
}

TestSuite(progress, .fini = teardown);

Test(progress, without_a_terminal_there_is_a_line_every_ten_seconds_and_no_bar)
{
	start(false);
	progress_stage(&progress, "a stage");
	for (int64_t ms = 5000; ms < 5000 + PROGRESS_LINE_MS; ms += 100)
		progress_update(&progress, 1, 400, ms);
	cr_expect_str_eq(now_written(), "");
	progress_update(&progress, 100, 400, 5000 + PROGRESS_LINE_MS);
	cr_expect_str_eq(now_written(), "coffer:  25%  100 of 400 records, 10/s, 0:30 left\n");
	progress_update(&progress, 101, 400, 5001 + PROGRESS_LINE_MS);
	progress_hide(&progress);
	cr_expect_str_eq(now_written(), "coffer:  25%  100 of 400 records, 10/s, 0:30 left\n");
	progress_update(&progress, 400, 400, 5000 + 2 * PROGRESS_LINE_MS);
	cr_expect_not_null(strstr(now_written(), "coffer: 100%  400 of 400 records, 20/s\n"));
}

Test(progress, on_a_terminal_the_bar_is_drawn_over_itself_and_taken_away)
{
	start(true);
	progress_update(&progress, 0, 200, 0);
	progress_update(&progress, 100, 200, 1000);
	cr_expect_str_eq(now_written(), "[===============>              ]  50%  100 of 200 records, 100/s, 0:01 left");
	progress_update(&progress, 101, 200, 1001);
	cr_expect_eq(strlen(now_written()),
		     strlen("[===============>              ]  50%  100 of 200 records, 100/s, 0:01 left"),
		     "not that often");
	progress_hide(&progress);
	const size_t hidden = strlen(now_written());
	cr_expect_str_eq(written + hidden - 4, "\r\033[K");
	progress_hide(&progress);
	cr_expect_eq(strlen(now_written()), hidden, "once is enough");
}

Test(progress, more_than_was_expected_is_all_of_it)
{
	char text[PROGRESS_TEXT_MAX];

	start(true);
	progress_text(&progress, 300, 200, 1000, text);
	cr_expect_str_eq(text, "[==============================] 100%  300 of 200 records, 300/s");
	progress_text(&progress, 300, 0, 1000, text);
	cr_expect_str_eq(text, "300 records, 300/s");
	progress_text(&progress, 1, UINT64_MAX, 0, text);
	cr_expect_not_null(strstr(text, "  0%  1 of"));
}
