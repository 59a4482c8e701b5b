/*
 * A whole file of settings. What loads is printed as a file that loads to the same; what does not says so in one line,
 * which never holds a value.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/settings/settings.h"
#include "server/settings/settings_value.h"
#include "tests/fuzz/fuzz.h"

/* Loads from a file of these bytes; *ret_errors is to be freed. */
static enum settings_status load(const void *bytes, size_t size, struct settings *ret_settings, char **ret_errors)
{
	char path[64], command[] = "config", option[] = "--config";
	char *argv[] = {command, option, path, NULL};
	const int fd = memfd_create("settings", MFD_CLOEXEC);
	size_t errors_size;
	FILE *errors = open_memstream(ret_errors, &errors_size);
	enum settings_status status;

	FUZZ_CHECK(fd >= 0 && errors != NULL);
	FUZZ_CHECK(write(fd, bytes, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	status = settings_load(ret_settings, 3, argv, errors);
	FUZZ_CHECK(fclose(errors) == 0);
	close(fd);
	return status;
}

static char *print(const struct settings *settings, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	FUZZ_CHECK(out != NULL);
	settings_print(settings, out);
	FUZZ_CHECK(fclose(out) == 0);
	return text;
}

/* The lines but for the comments, which tell where a value comes from. */
static bool same_values(const char *a, const char *b)
{
	while (*a && *b) {
		const size_t size_a = strcspn(a, "\n"), size_b = strcspn(b, "\n");

		if ((*a != '#' || *b != '#') && (size_a != size_b || memcmp(a, b, size_a) != 0))
			return false;
		a += size_a + (a[size_a] == '\n');
		b += size_b + (b[size_b] == '\n');
	}
	return !*a && !*b;
}

static void loaded(struct settings *settings)
{
	size_t size, size_again;
	char *printed = print(settings, &size), *printed_again, *errors;
	struct settings again;

	FUZZ_CHECK(strlen(printed) == size);
	FUZZ_CHECK(load(printed, size, &again, &errors) == SETTINGS_OK);
	printed_again = print(&again, &size_again);
	FUZZ_CHECK(same_values(printed, printed_again));
	settings_done(&again);
	free(printed_again);
	free(printed);
	free(errors);
}

/* Whatever a check takes can be written into a file, and is read from it to the letter. */
static void express(const uint8_t *data, size_t size)
{
	struct settings settings;
	char *text = fuzz_text(data, size), *file, *errors;
	int file_size;

	if (settings_check_path(text)) {
		file_size = asprintf(&file, "data = %s\n", text);
		FUZZ_CHECK(file_size > 0);
		FUZZ_CHECK(load(file, (size_t)file_size, &settings, &errors) == SETTINGS_OK);
		FUZZ_CHECK(strcmp(settings.data, text) == 0);
		settings_done(&settings);
		free(errors);
		free(file);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings;
	char *errors;

	clearenv();
	memset(&settings, 0xa5, sizeof(settings));
	const enum settings_status status = load(data, size, &settings, &errors);
	if (status == SETTINGS_OK) {
		FUZZ_CHECK(errors[0] == '\0');
		loaded(&settings);
		settings_done(&settings);
	} else {
		FUZZ_CHECK(status == SETTINGS_INVALID);
		FUZZ_CHECK(strncmp(errors, "coffer: ", 8) == 0 && strchr(errors, '\n') == errors + strlen(errors) - 1);
		for (const unsigned char *c = (const unsigned char *)&settings; c < (unsigned char *)(&settings + 1);
		     c++)
			FUZZ_CHECK(*c == 0xa5);
	}
	free(errors);
	express(data, size);
	return 0;
}
