/*
 * coffer doctor: looks at all that a server depends on, and says what is not as it should be, with advice. It changes
 * nothing, and may run beside a server. Each check is a function and a row of the table in doctor.c; it tells one
 * finding or several.
 */
#ifndef COFFER_DOCTOR_DOCTOR_H
#define COFFER_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "server/settings/settings.h"

enum doctor_grade {
	DOCTOR_OK,
	DOCTOR_NOTE, /* worth knowing */
	DOCTOR_WARN, /* will be trouble, or is less safe than it could be */
	DOCTOR_FAIL, /* the service does not work so, or is not safe */
	DOCTOR_GRADES
};

enum { DOCTOR_TEXT_MAX = 512 };

struct doctor_finding {
	const char *check; /* the row's name */
	enum doctor_grade grade;
	char text[DOCTOR_TEXT_MAX];
	const char *advice; /* NULL: none is needed */
};

struct doctor {
	const struct settings *settings;
	/* Stands before /proc and /sys: "", but for tests, which have a tree of their own. */
	const char *root;
	const char *check; /* the one that runs */
	long server;	   /* the process that has the store open; 0: none is seen */
	struct doctor_finding *findings;
	size_t count;
	bool no_memory; /* for a finding */
};

/* advice: a literal, or NULL. format: printf's, without a newline. */
void doctor_tell(struct doctor *doctor, enum doctor_grade grade, const char *advice, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* DATA/name; "" for the directory itself. False when that is too long. */
bool doctor_path(const struct doctor *doctor, const char *name, char *ret_path, size_t room);
/* The first `room` - 1 bytes of a file below doctor->root, terminated; false when it cannot be read. */
bool doctor_read(const struct doctor *doctor, const char *path, char *ret_text, size_t room);

/* ---- the checks ---- */

typedef void doctor_check(struct doctor *doctor);

/* doctor_server.c: first, since others look at the limits of the server that runs. */
doctor_check doctor_server;
/* doctor_configuration.c */
doctor_check doctor_configuration, doctor_exposure, doctor_config_file;
/* doctor_directory.c */
doctor_check doctor_directory, doctor_files;
/* doctor_disk.c */
doctor_check doctor_space, doctor_filesystem, doctor_sync;
/* doctor_clock.c */
doctor_check doctor_clock;
/* doctor_certificate.c */
doctor_check doctor_certificate, doctor_local_ca;
/* doctor_keys.c */
doctor_check doctor_protection, doctor_keys;
/* doctor_kernel.c */
doctor_check doctor_memory, doctor_swap, doctor_tracing, doctor_descriptors;
/* doctor_versions.c */
doctor_check doctor_versions;

/* ---- the command's parts, for tests ---- */

/* magic: as statfs(2) tells it. */
void doctor_judge_filesystem(struct doctor *doctor, unsigned long magic);
/* "3.40.1" beside "3.46": as strcmp(). */
int doctor_compare_versions(const char *one, const char *other);
void doctor_judge_version(struct doctor *doctor, const char *name, const char *built, const char *runs);
/* Runs every check of the table. */
void doctor_run(struct doctor *doctor);
enum doctor_grade doctor_worst(const struct doctor *doctor);
void doctor_print(const struct doctor *doctor, FILE *out);
void doctor_print_json(const struct doctor *doctor, FILE *out);
void doctor_done(struct doctor *doctor);

#endif
