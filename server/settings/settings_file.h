/* Reads the file of --config: lines of `name = value`, comments from # or ; at the start of a line. */
#ifndef COFFER_SETTINGS_SETTINGS_FILE_H
#define COFFER_SETTINGS_SETTINGS_FILE_H

#include <stdio.h>

#include "server/settings/settings.h"

/* Called for each line; anything but SETTINGS_OK ends with that answer. It writes its own message. */
typedef enum settings_status settings_file_set(void *context, const char *name, const char *value, unsigned line);

__attribute__((warn_unused_result)) enum settings_status settings_file_read(const char *path, settings_file_set *set,
									    void *context, FILE *errors);

#endif
