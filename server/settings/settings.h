/*
 * What the operator can set. Each setting is one row of a table in settings.c; its value comes from, first found wins:
 * the command line, the environment (COFFER_NAME), the file named by --config, the default.
 */
#ifndef COFFER_SETTINGS_SETTINGS_H
#define COFFER_SETTINGS_SETTINGS_H

#include <stdint.h>
#include <stdio.h>

enum settings_status {
	SETTINGS_OK = 0,
	SETTINGS_HELP,	  /* --help was asked for: nothing was loaded */
	SETTINGS_INVALID, /* an unknown name or a malformed value; said on `errors` */
	SETTINGS_FILE,	  /* the file of --config cannot be read; said on `errors` */
	SETTINGS_NOMEM,
};

enum settings_source {
	SETTINGS_FROM_DEFAULT = 0,
	SETTINGS_FROM_FILE,
	SETTINGS_FROM_ENVIRONMENT,
	SETTINGS_FROM_COMMAND_LINE,
};

enum settings_log_level {
	SETTINGS_LOG_ERROR = 0,
	SETTINGS_LOG_WARNING,
	SETTINGS_LOG_INFO,
	SETTINGS_LOG_DEBUG,
};

#define SETTINGS_COUNT 72

/* Sizes are bytes, times are milliseconds. Texts are never NULL after a successful settings_load. */
struct settings {
	char *data;
	char *listen; /* "off": nowhere */
	char *http;   /* empty: nowhere */
	char *http_mode;
	char *trusted_proxy;
	char *host_name;
	char *domain;
	char *http_redirect;
	char *metrics;
	char *acme_email;
	char *acme_directory;
	unsigned acme_staging; /* 0 or 1 */
	uint64_t acme_retry;
	uint64_t acme_timeout;
	uint64_t max_record_size;
	char *access_log;
	unsigned log_level; /* enum settings_log_level */
	unsigned loops;
	unsigned workers;
	unsigned max_connections;
	unsigned max_connections_per_address;
	uint64_t hello_timeout;
	uint64_t handshake_timeout;
	uint64_t header_timeout;
	uint64_t idle_timeout;
	uint64_t body_rate;
	uint64_t response_rate;
	uint64_t rate_window;
	unsigned queue_depth;
	uint64_t commit_delay;
	uint64_t stage_size;
	unsigned kek_bits;
	char *passphrase_file;
	char *credential_file;
	unsigned ingest_only; /* 0 or 1, as epoch_wraps */
	unsigned epoch_wraps;
	uint64_t epoch_age;
	uint64_t token_cache;
	uint64_t read_snapshot;
	char *tls_cert; /* lists with commas, as the next two */
	char *tls_key;
	char *tls_ocsp;
	uint64_t tls_reload;
	unsigned tls_min; /* enum tls_least */
	uint64_t leaf_lifetime;
	uint64_t leaf_renew;
	char *client_ca;
	char *client_crl;
	char *origin;
	unsigned open_enrollment; /* 0 or 1 */
	uint64_t invite_ttl;
	uint64_t login_challenge;
	uint64_t login_ttl;
	uint64_t login_idle;
	uint64_t body_memory;
	uint64_t message_max;
	uint64_t message_ttl;
	uint64_t mailbox_bytes;
	unsigned mailbox_messages;
	uint64_t sender_bytes;
	unsigned sender_messages;
	uint64_t long_poll;
	uint64_t audit_checkpoint;
	uint64_t audit_keep;
	uint64_t break_glass;
	unsigned login_rate;
	unsigned failure_rate;
	uint64_t shred_delay;
	uint64_t idempotency_ttl;
	uint64_t disk_watermark;
	uint64_t disk_reserve;
	uint64_t drain_timeout;

	const char *config;		      /* the file that --config names, borrowed from argv; NULL: none */
	unsigned char source[SETTINGS_COUNT]; /* enum settings_source, by row of the table */
};

/*
 * argv: argv[0] is the command's name and is skipped; the rest are `--name VALUE` or `--name=VALUE`, dashes and
 * underscores alike; a switch may stand alone, and a list grows by each VALUE. A malformed value is reported by source,
 * name and what is accepted, never by what it was. Not to be called from several threads at once (inih keeps its limits
 * in globals). The caller calls settings_done.
 */
__attribute__((warn_unused_result)) enum settings_status settings_load(struct settings *ret_settings, int argc,
								       char **argv, FILE *errors);

/* Writes the settings so that --config reads them back; each line is preceded by a comment that says its source. */
void settings_print(const struct settings *settings, FILE *out);

/* Writes a usage, what the command does, and one entry an option: its name, what it accepts, its default, its meaning.
 */
void settings_help(const char *usage, const char *about, FILE *out);

/* Frees the texts; accepts a struct of zeros. */
void settings_done(struct settings *settings);

#endif
