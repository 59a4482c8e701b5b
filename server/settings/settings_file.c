#include "server/settings/settings_file.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <string.h>

#define LINE_LIMIT (1024 * 1024)

struct reading {
	const char *path;
	FILE *file;
	FILE *errors;
	settings_file_set *set;
	void *context;
	unsigned line;	    /* of the piece read last, from 1 */
	bool line_is_whole; /* that piece ended its line */
	enum settings_status status;
};

/* inih asks again for the rest of a line that did not fit; only a piece after a line's end starts a new line. */
static char *read_piece(char *buffer, int size, void *stream)
{
	struct reading *reading = stream;
	char *piece = reading->status == SETTINGS_OK ? fgets(buffer, size, reading->file) : NULL;

	if (piece == NULL)
		return NULL;
	if (reading->line_is_whole)
		reading->line++;
	reading->line_is_whole = strchr(piece, '\n') != NULL;
	return piece;
}

static int take(void *user, const char *section, const char *name, const char *value)
{
	struct reading *reading = user;

	if (reading->status != SETTINGS_OK)
		return 0;
	if (section[0] != '\0') {
		fprintf(reading->errors, "coffer: %s:%u: sections have no meaning here\n", reading->path,
			reading->line);
		reading->status = SETTINGS_INVALID;
		return 0;
	}
	reading->status = reading->set(reading->context, name, value, reading->line);
	return reading->status == SETTINGS_OK;
}

/* The defaults of inih cut lines at 200 bytes, join indented lines, and end values at a semicolon. */
static void set_up_inih(void)
{
	ini_use_stack = false;
	ini_allow_realloc = true;
	ini_max_line = LINE_LIMIT;
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_stop_on_first_error = true;
}

enum settings_status settings_file_read(const char *path, settings_file_set *set, void *context, FILE *errors)
{
	struct reading reading = {
		.path = path, .errors = errors, .set = set, .context = context, .line_is_whole = true};

	reading.file = fopen(path, "re");
	if (reading.file == NULL) {
		fprintf(errors, "coffer: %s: %s\n", path, strerror(errno));
		return SETTINGS_FILE;
	}
	set_up_inih();

	int answer = ini_parse_stream(read_piece, &reading, take, &reading);
	bool unreadable = ferror(reading.file) != 0;
	fclose(reading.file);

	if (reading.status != SETTINGS_OK)
		return reading.status;
	if (unreadable) {
		fprintf(errors, "coffer: %s: cannot be read\n", path);
		return SETTINGS_FILE;
	}
	if (answer == -2)
		return SETTINGS_NOMEM;
	if (answer != 0) {
		fprintf(errors, "coffer: %s:%d: expected a line `name = value`\n", path, answer);
		return SETTINGS_INVALID;
	}
	return SETTINGS_OK;
}
