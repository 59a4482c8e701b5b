/* How far a long command has come: a bar on a terminal, else a line now and then. */
#ifndef COFFER_CLI_PROGRESS_H
#define COFFER_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	PROGRESS_BAR_MS = 100,	  /* the bar is drawn no more often */
	PROGRESS_LINE_MS = 10000, /* and a line written */
	PROGRESS_TEXT_MAX = 160,
};

struct progress {
	FILE *out;
	bool terminal;
	bool drawn;   /* a bar stands on the terminal's line */
	bool running; /* there has been an update: start_ms is its time */
	int64_t start_ms, last_ms;
	const char *what; /* is counted: "records" */
};

/* `terminal`: whether to draw a bar on `out`. */
void progress_init(struct progress *progress, FILE *out, bool terminal, const char *what);
/* A stage whose end is not known, said once. */
void progress_stage(struct progress *progress, const char *text);
/* The rate is taken from the first call on. expected 0: not known. */
/* now_ms: of a clock that only goes forward. */
void progress_update(struct progress *progress, uint64_t done, uint64_t expected, int64_t now_ms);
/* Takes the bar away, so that another line can be written; the next update draws it again. */
void progress_hide(struct progress *progress);

/* "[=====>    ]  42%  1234 records, 567/s, 0:03 left"; without a terminal the bar is left out. For the tests too. */
void progress_text(const struct progress *progress, uint64_t done, uint64_t expected, int64_t now_ms,
		   char ret_text[static PROGRESS_TEXT_MAX]);

#endif
