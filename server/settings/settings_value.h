/* The text of one setting to its value and back. */
#ifndef COFFER_SETTINGS_SETTINGS_VALUE_H
#define COFFER_SETTINGS_SETTINGS_VALUE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum settings_kind {
	SETTINGS_TEXT,	 /* char *, owned */
	SETTINGS_NUMBER, /* unsigned */
	SETTINGS_SIZE,	 /* uint64_t, bytes */
	SETTINGS_TIME,	 /* uint64_t, milliseconds */
	SETTINGS_CHOICE, /* unsigned */
};

struct settings_choice {
	const char *text; /* NULL ends the list */
	unsigned value;
};

struct settings_rule {
	enum settings_kind kind;
	uint64_t min, max; /* inclusive; NUMBER, SIZE and TIME */
	const struct settings_choice *choices;
	bool (*check)(const char *text); /* TEXT */
	bool list;			 /* TEXT: of texts with commas between */
	const char *accepts;		 /* TEXT: in words */
};

enum settings_value_status {
	SETTINGS_VALUE_OK = 0,
	SETTINGS_VALUE_BAD,
	SETTINGS_VALUE_NOMEM,
};

/* ret_field: what the kind stores; a text there before is freed. NULL only checks. */
__attribute__((warn_unused_result)) enum settings_value_status settings_value_parse(const struct settings_rule *rule,
										    const char *text, void *ret_field);
void settings_value_print(const struct settings_rule *rule, const void *field, FILE *out);
void settings_value_accepts(const struct settings_rule *rule, FILE *out);
void settings_value_done(const struct settings_rule *rule, void *field);

/* Checks of texts. All refuse control characters, and blanks at either end, which the file could not express. */
bool settings_check_path(const char *text);    /* not empty */
bool settings_check_file(const char *text);    /* may be empty */
bool settings_check_files(const char *text);   /* such with commas between; may be empty */
bool settings_check_listen(const char *text);  /* ADDRESS:PORT, an IPv6 address in brackets; numeric; or "off" */
bool settings_check_http(const char *text);    /* a loopback ADDRESS:PORT, or unix:/PATH; may be empty */
bool settings_check_local(const char *text);   /* the same without unix: */
bool settings_check_mode(const char *text);    /* permissions, in octal digits */
bool settings_check_names(const char *text);   /* names or addresses with commas between; may be empty */
bool settings_check_origins(const char *text); /* https://HOST[:PORT] with commas between; may be empty */
/* For ACME, in settings_acme.c. */
bool settings_check_domains(
	const char *text); /* DNS names with a dot, no wildcards, with commas between; may be empty */
bool settings_check_redirect(const char *text); /* "off", or as settings_check_listen() */
bool settings_check_email(const char *text);	/* NAME@DOMAIN; may be empty */
bool settings_check_url(const char *text);	/* https://HOST[:PORT]/PATH; may be empty */

/* Whether `size` characters are HOST or HOST:PORT, an IPv6 address in brackets. */
bool settings_is_authority(const char *text, size_t size);

#endif
