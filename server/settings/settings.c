#include "server/settings/settings.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/http.h"
#include "server/settings/settings_file.h"
#include "server/settings/settings_value.h"
#include "server/tls/context.h"

#define KIB    1024u
#define MIB    (1024u * KIB)
#define GIB    (UINT64_C(1024) * MIB)
#define SECOND 1000u
#define MINUTE (60u * SECOND)
#define HOUR   (UINT64_C(60) * MINUTE)

static const struct settings_choice log_levels[] = {
	{.text = "error", .value = SETTINGS_LOG_ERROR},
	{.text = "warning", .value = SETTINGS_LOG_WARNING},
	{.text = "info", .value = SETTINGS_LOG_INFO},
	{.text = "debug", .value = SETTINGS_LOG_DEBUG},
	{.text = NULL},
};

static const struct settings_choice kek_sizes[] = {
	{.text = "2048", .value = 2048},
	{.text = "3072", .value = 3072},
	{.text = "4096", .value = 4096},
	{.text = NULL},
};

static const struct settings_choice tls_versions[] = {
	{.text = "1.2", .value = TLS_LEAST_1_2},
	{.text = "1.3", .value = TLS_LEAST_1_3},
	{.text = NULL},
};

/* A name alone on the command line means "on". */
static const struct settings_choice switches[] = {
	{.text = "on", .value = true},
	{.text = "off", .value = false},
	{.text = NULL},
};

struct row {
	const char *name;
	const char *environment;
	size_t offset; /* in struct settings */
	const char *standard;
	struct settings_rule rule;
	const char *help;
};

#define NAMED(field, upper)    .name = #field, .environment = "COFFER_" upper, .offset = offsetof(struct settings, field)
#define TEXT(check_, accepts_) .rule = {.kind = SETTINGS_TEXT, .check = check_, .accepts = accepts_}
#define LIST(check_, accepts_) .rule = {.kind = SETTINGS_TEXT, .list = true, .check = check_, .accepts = accepts_}
#define NUMBER(min_, max_)     .rule = {.kind = SETTINGS_NUMBER, .min = min_, .max = max_}
#define SIZE(min_, max_)       .rule = {.kind = SETTINGS_SIZE, .min = min_, .max = max_}
#define TIME(min_, max_)       .rule = {.kind = SETTINGS_TIME, .min = min_, .max = max_}
#define CHOICE(choices_)       .rule = {.kind = SETTINGS_CHOICE, .choices = choices_}

/* clang-format off */
static const struct row table[] = {
	{NAMED(data, "DATA"), TEXT(settings_check_path, "a directory"),
	 .standard = "./coffer-data", .help = "where everything is kept"},
	{NAMED(listen, "LISTEN"), TEXT(settings_check_listen, "ADDRESS:PORT or [ADDRESS]:PORT, port 0 to 65535; or off"),
	 .standard = "127.0.0.1:8443", .help = "where to listen; port 0 takes a free one; off: only --http"},
	{NAMED(http, "HTTP"), TEXT(settings_check_http, "127.0.0.1:PORT, [::1]:PORT or unix:/PATH, since whoever is not on "
				   "this machine must use TLS"),
	 .standard = "", .help = "where a proxy that speaks TLS for this service finds it, in plain HTTP; default nowhere"},
	{NAMED(http_mode, "HTTP_MODE"), TEXT(settings_check_mode, "three or four octal digits"),
	 .standard = "0660", .help = "permissions of the socket of --http unix:/PATH"},
	{NAMED(trusted_proxy, "TRUSTED_PROXY"), LIST(http_proxies, "ADDRESS, ADDRESS/BITS or unix, with commas between"),
	 .standard = "", .help = "whose word on the client is believed: X-Forwarded-For and its kin; default nobody's"},
	{NAMED(host_name, "HOST_NAME"), LIST(settings_check_names, "host names or addresses separated by commas"),
	 .standard = "", .help = "further names for the server certificate, as a,b,c"},
	{NAMED(domain, "DOMAIN"), LIST(settings_check_domains, "DNS names with a dot, separated by commas"),
	 .standard = "", .help = "names to get a certificate for by ACME, as a,b,c; then listens on ports 443 and 80"},
	{NAMED(http_redirect, "HTTP_REDIRECT"), TEXT(settings_check_redirect, "off, or an address and port as --listen"),
	 .standard = "off", .help = "where plain HTTP is sent on to https; with --domain [::]:80, for ACME's challenges"},
	{NAMED(metrics, "METRICS"), TEXT(settings_check_local, "127.0.0.1:PORT or [::1]:PORT, since it asks for no token"),
	 .standard = "", .help = "where programs of this machine get /metrics in plain HTTP; default nowhere"},
	{NAMED(acme_email, "ACME_EMAIL"), TEXT(settings_check_email, "a mail address"),
	 .standard = "", .help = "where the CA of --domain may write to; default none"},
	{NAMED(acme_directory, "ACME_DIRECTORY"), TEXT(settings_check_url, "an address that begins with https://"),
	 .standard = "", .help = "the ACME directory of the CA of --domain; default that of Let's Encrypt"},
	{NAMED(acme_staging, "ACME_STAGING"), CHOICE(switches),
	 .standard = "off", .help = "try --domain with Let's Encrypt's staging CA, which no client trusts"},
	{NAMED(acme_retry, "ACME_RETRY"), TIME(SECOND, 24 * HOUR),
	 .standard = "5min", .help = "how long after a CA's first refusal it is asked again; doubled each time, up to 6h"},
	{NAMED(acme_timeout, "ACME_TIMEOUT"), TIME(SECOND, 24 * HOUR),
	 .standard = "10min", .help = "how long an attempt to get a certificate may take"},
	{NAMED(max_record_size, "MAX_RECORD_SIZE"), SIZE(1, 1024 * GIB),
	 .standard = "1GiB", .help = "the largest record that is accepted"},
	{NAMED(access_log, "ACCESS_LOG"), TEXT(settings_check_path, "- (standard output), off, or a file"),
	 .standard = "-", .help = "where each answered request is noted"},
	{NAMED(log_level, "LOG_LEVEL"), CHOICE(log_levels),
	 .standard = "info", .help = "the least important message to write"},
	{NAMED(loops, "LOOPS"), NUMBER(0, 256),
	 .standard = "0", .help = "threads that speak TLS and HTTP; 0: one a core"},
	{NAMED(workers, "WORKERS"), NUMBER(0, 1024),
	 .standard = "0", .help = "threads that encrypt and store; 0: one a core"},
	{NAMED(max_connections, "MAX_CONNECTIONS"), NUMBER(1, 1000000),
	 .standard = "10000", .help = "connections open at once"},
	{NAMED(max_connections_per_address, "MAX_CONNECTIONS_PER_ADDRESS"), NUMBER(1, 1000000),
	 .standard = "1000", .help = "connections open at once from one address"},
	{NAMED(hello_timeout, "HELLO_TIMEOUT"), TIME(1, HOUR),
	 .standard = "10s", .help = "from accept to a whole ClientHello"},
	{NAMED(handshake_timeout, "HANDSHAKE_TIMEOUT"), TIME(1, HOUR),
	 .standard = "10s", .help = "for the whole TLS handshake"},
	{NAMED(header_timeout, "HEADER_TIMEOUT"), TIME(1, HOUR),
	 .standard = "10s", .help = "for a request's whole header"},
	{NAMED(idle_timeout, "IDLE_TIMEOUT"), TIME(1, 24 * HOUR),
	 .standard = "75s", .help = "for a connection between two requests"},
	{NAMED(body_rate, "BODY_RATE"), SIZE(0, GIB),
	 .standard = "1KiB", .help = "bytes a second that a request's body must bring; 0: no bound"},
	{NAMED(response_rate, "RESPONSE_RATE"), SIZE(0, GIB),
	 .standard = "1KiB", .help = "bytes a second that a client must take of a response; 0: no bound"},
	{NAMED(rate_window, "RATE_WINDOW"), TIME(100, HOUR),
	 .standard = "20s", .help = "time over which the two rates are averaged, again and again"},
	{NAMED(queue_depth, "QUEUE_DEPTH"), NUMBER(1, 1000000),
	 .standard = "4096", .help = "requests that may wait for a worker"},
	{NAMED(commit_delay, "COMMIT_DELAY"), TIME(0, 100),
	 .standard = "1ms", .help = "how long a commit waits for more requests (up to 24), when the one before had several"},
	{NAMED(stage_size, "STAGE_SIZE"), SIZE(64 * KIB, GIB),
	 .standard = "4MiB", .help = "memory that the body of one request may take"},
	{NAMED(kek_bits, "KEK_BITS"), CHOICE(kek_sizes),
	 .standard = "3072", .help = "size of new RSA keys that wrap record keys"},
	{NAMED(passphrase_file, "PASSPHRASE_FILE"), TEXT(settings_check_file, "a file that only its owner can read"),
	 .standard = "", .help = "holds the passphrase of the private KEK; without it a locked store starts sealed"},
	{NAMED(credential_file, "CREDENTIAL_FILE"), TEXT(settings_check_file, "a file of at least 32 random bytes"),
	 .standard = "", .help = "unlocks the private KEK; default coffer-unlock in $CREDENTIALS_DIRECTORY"},
	{NAMED(ingest_only, "INGEST_ONLY"), CHOICE(switches),
	 .standard = "off", .help = "take records in and never read the private KEK"},
	{NAMED(epoch_wraps, "EPOCH_WRAPS"), CHOICE(switches),
	 .standard = "on", .help = "wrap record keys under a daily key too, so that reading needs no RSA"},
	{NAMED(epoch_age, "EPOCH_AGE"), TIME(SECOND, 8784 * HOUR),
	 .standard = "24h", .help = "how long one epoch key wraps new record keys"},
	{NAMED(token_cache, "TOKEN_CACHE"), TIME(0, HOUR),
	 .standard = "1s", .help = "how long a verified token is not looked up again, though others edit the database"},
	{NAMED(read_snapshot, "READ_SNAPSHOT"), TIME(0, 100),
	 .standard = "10ms", .help = "how long records are read as they were, though others edit the database"},
	{NAMED(tls_cert, "TLS_CERT"), LIST(settings_check_files, "PEM files with commas between"),
	 .standard = "", .help = "certificates to serve, each with its chain; default: one by the local CA in DATA/tls"},
	{NAMED(tls_key, "TLS_KEY"), LIST(settings_check_files, "PEM files with commas between"),
	 .standard = "", .help = "the private keys of --tls-cert, in the same order"},
	{NAMED(tls_ocsp, "TLS_OCSP"), LIST(settings_check_files, "files of OCSP responses (DER) with commas between"),
	 .standard = "", .help = "what the CA says of each of --tls-cert, stapled to handshakes; default none"},
	{NAMED(tls_reload, "TLS_RELOAD"), TIME(100, HOUR),
	 .standard = "10s", .help = "how often to look whether files of certificates have changed; SIGHUP looks at once"},
	{NAMED(tls_min, "TLS_MIN"), CHOICE(tls_versions),
	 .standard = "1.2", .help = "the oldest version of TLS that is spoken"},
	{NAMED(leaf_lifetime, "LEAF_LIFETIME"), TIME(SECOND, 9528 * HOUR),
	 .standard = "9528h", .help = "how long a certificate by the local CA is good"},
	{NAMED(leaf_renew, "LEAF_RENEW"), TIME(SECOND, 9528 * HOUR),
	 .standard = "720h", .help = "how long before its end a certificate by the local CA is replaced"},
	{NAMED(client_ca, "CLIENT_CA"), TEXT(settings_check_file, "a file of PEM certificates"),
	 .standard = "", .help = "CAs whose client certificates authenticate the account that they name; default none"},
	{NAMED(client_crl, "CLIENT_CRL"), TEXT(settings_check_file, "a file of PEM CRLs"),
	 .standard = "", .help = "client certificates that were revoked, by CAs of --client-ca; default none"},
	{NAMED(origin, "ORIGIN"), LIST(settings_check_origins, "https://HOST or https://HOST:PORT, with commas between"),
	 .standard = "", .help = "what clients dial, and name in proofs; default: --domain, or each name of the certificate"},
	{NAMED(open_enrollment, "OPEN_ENROLLMENT"), CHOICE(switches),
	 .standard = "off", .help = "let anyone register a free name with a key, without an invite"},
	{NAMED(invite_ttl, "INVITE_TTL"), TIME(SECOND, 8784 * HOUR),
	 .standard = "168h", .help = "how long an invite is good, unless it asks for less"},
	{NAMED(login_challenge, "LOGIN_CHALLENGE"), TIME(100, HOUR),
	 .standard = "60s", .help = "how long an answer to a login challenge is waited for"},
	{NAMED(login_ttl, "LOGIN_TTL"), TIME(SECOND, 8784 * HOUR),
	 .standard = "8h", .help = "how long a login lasts at most"},
	{NAMED(login_idle, "LOGIN_IDLE"), TIME(SECOND, 8784 * HOUR),
	 .standard = "15min", .help = "how long a login lasts that is not used"},
	{NAMED(body_memory, "BODY_MEMORY"), SIZE(MIB, 1024 * GIB),
	 .standard = "64MiB", .help = "memory that messages, keys and commands may take while they come in"},
	{NAMED(message_max, "MESSAGE_MAX"), SIZE(512, 64 * MIB),
	 .standard = "1MiB", .help = "the largest message that a mailbox takes"},
	{NAMED(message_ttl, "MESSAGE_TTL"), TIME(SECOND, 87840 * HOUR),
	 .standard = "720h", .help = "how long a message is kept, unless it asks for less"},
	{NAMED(mailbox_bytes, "MAILBOX_BYTES"), SIZE(1, 1024 * GIB),
	 .standard = "256MiB", .help = "what may lie in one mailbox"},
	{NAMED(mailbox_messages, "MAILBOX_MESSAGES"), NUMBER(1, 100000000),
	 .standard = "10000", .help = "messages that may lie in one mailbox"},
	{NAMED(sender_bytes, "SENDER_BYTES"), SIZE(1, 1024 * GIB),
	 .standard = "64MiB", .help = "what of one sender may lie in one mailbox"},
	{NAMED(sender_messages, "SENDER_MESSAGES"), NUMBER(1, 100000000),
	 .standard = "1000", .help = "messages of one sender that may lie in one mailbox"},
	{NAMED(long_poll, "LONG_POLL"), TIME(0, HOUR),
	 .standard = "60s", .help = "the longest that a client may wait for a message"},
	{NAMED(audit_checkpoint, "AUDIT_CHECKPOINT"), TIME(0, 8784 * HOUR),
	 .standard = "1h", .help = "time between signed checkpoints of the audit log on standard error; 0: none"},
	{NAMED(audit_keep, "AUDIT_KEEP"), TIME(0, 878400 * HOUR),
	 .standard = "0s", .help = "when audit events go from the database into DIR/audit-archive; 0: never"},
	{NAMED(break_glass, "BREAK_GLASS"), TIME(SECOND, 8784 * HOUR),
	 .standard = "4h", .help = "how long after it was made a token with the scope break-glass can be used for that"},
	{NAMED(login_rate, "LOGIN_RATE"), NUMBER(0, 1000000),
	 .standard = "60", .help = "logins a minute that may begin from one address, and for one account; 0: no bound"},
	{NAMED(failure_rate, "FAILURE_RATE"), NUMBER(0, 1000000),
	 .standard = "600", .help = "wrong tokens and answers a minute from one address; 0: no bound"},
	{NAMED(shred_delay, "SHRED_DELAY"), TIME(0, 24 * HOUR),
	 .standard = "10s", .help = "how long a deleted key may stay in free pages"},
	{NAMED(idempotency_ttl, "IDEMPOTENCY_TTL"), TIME(MINUTE, 720 * HOUR),
	 .standard = "24h", .help = "how long an Idempotency-Key is remembered"},
	{NAMED(disk_watermark, "DISK_WATERMARK"), SIZE(0, 1024 * GIB),
	 .standard = "256MiB", .help = "writes are refused when less space is free"},
	{NAMED(disk_reserve, "DISK_RESERVE"), SIZE(0, 1024 * GIB),
	 .standard = "64MiB", .help = "space kept so that deleting works on a full disk"},
	{NAMED(drain_timeout, "DRAIN_TIMEOUT"), TIME(0, HOUR),
	 .standard = "30s", .help = "how long a stopping server finishes requests"},
};
/* clang-format on */
_Static_assert(sizeof(table) / sizeof(table[0]) == SETTINGS_COUNT, "each setting has one row");

/* Where a value comes from, as messages name it. */
struct origin {
	enum settings_source source;
	const char *place; /* "command line", or the file's name */
	unsigned line;	   /* of the file, else 0 */
};

struct load {
	struct settings *settings;
	FILE *errors;
	const char *config;
};

static bool same_name(const char *name, const char *given, size_t given_size)
{
	if (strlen(name) != given_size)
		return false;
	for (size_t i = 0; i < given_size; i++)
		if (name[i] != (given[i] == '-' ? '_' : given[i]))
			return false;
	return true;
}

static size_t row_of(const char *name, size_t size)
{
	size_t row = 0;

	while (row < SETTINGS_COUNT && !same_name(table[row].name, name, size))
		row++;
	return row;
}

static void say_where(FILE *errors, const struct origin *origin)
{
	if (origin->line != 0)
		fprintf(errors, "coffer: %s:%u: ", origin->place, origin->line);
	else
		fprintf(errors, "coffer: %s: ", origin->place);
}

/* A copy of the text; a list that is given again on the command line goes on. NULL when memory runs out. */
static char *join(const struct load *load, size_t row, const char *text, const struct origin *origin)
{
	const char *before = NULL;
	char *both;

	if (table[row].rule.list && origin->source == SETTINGS_FROM_COMMAND_LINE &&
	    load->settings->source[row] == SETTINGS_FROM_COMMAND_LINE)
		memcpy(&before, (const char *)load->settings + table[row].offset, sizeof(before));
	if (!before || !before[0])
		return strdup(text);
	return asprintf(&both, "%s,%s", before, text) < 0 ? NULL : both;
}

/* Sets one value unless a stronger source has set it. The value is checked in either case. */
static enum settings_status set(struct load *load, size_t row, const char *given, const struct origin *origin)
{
	const struct row *it = &table[row];
	bool kept = load->settings->source[row] > origin->source;
	char *field = (char *)load->settings + it->offset;
	char *text = join(load, row, given, origin);
	enum settings_value_status status =
		text ? settings_value_parse(&it->rule, text, kept ? NULL : field) : SETTINGS_VALUE_NOMEM;

	free(text);
	switch (status) {
	case SETTINGS_VALUE_OK:
		break;
	case SETTINGS_VALUE_NOMEM:
		return SETTINGS_NOMEM;
	case SETTINGS_VALUE_BAD:
		say_where(load->errors, origin);
		fprintf(load->errors, "%s: expected ", it->name);
		settings_value_accepts(&it->rule, load->errors);
		fputc('\n', load->errors);
		return SETTINGS_INVALID;
	}
	if (!kept)
		load->settings->source[row] = (unsigned char)origin->source;
	return SETTINGS_OK;
}

static enum settings_status unknown(FILE *errors, const char *name, size_t size, const struct origin *origin)
{
	say_where(errors, origin);
	fputs("no setting is named ", errors);
	for (size_t i = 0; i < size && i < 60; i++)
		fputc(name[i] >= ' ' && name[i] <= '~' ? name[i] : '?', errors);
	fputs("; the names are", errors);
	for (size_t i = 0; i < SETTINGS_COUNT; i++)
		fprintf(errors, "%s %s", i == 0 ? "" : ",", table[i].name);
	fputc('\n', errors);
	return SETTINGS_INVALID;
}

static enum settings_status load_defaults(struct load *load)
{
	const struct origin origin = {.source = SETTINGS_FROM_DEFAULT, .place = "default"};
	enum settings_status status = SETTINGS_OK;

	for (size_t i = 0; i < SETTINGS_COUNT && status == SETTINGS_OK; i++)
		status = set(load, i, table[i].standard, &origin);
	assert(status != SETTINGS_INVALID);
	return status;
}

/* A server with a domain is there for all, on the usual ports. */
static enum settings_status load_public_defaults(struct load *load)
{
	static const struct {
		const char *name, *value;
	} PUBLIC[] = {{"listen", "[::]:443"}, {"http_redirect", "[::]:80"}};
	const struct origin origin = {.source = SETTINGS_FROM_DEFAULT, .place = "default"};
	enum settings_status status = SETTINGS_OK;

	for (size_t i = 0; i < sizeof(PUBLIC) / sizeof(PUBLIC[0]) && status == SETTINGS_OK; i++)
		status = set(load, row_of(PUBLIC[i].name, strlen(PUBLIC[i].name)), PUBLIC[i].value, &origin);
	return status;
}

static enum settings_status load_environment(struct load *load)
{
	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		const struct origin origin = {.source = SETTINGS_FROM_ENVIRONMENT, .place = table[i].environment};
		const char *text = getenv(table[i].environment);

		if (text == NULL)
			continue;
		enum settings_status status = set(load, i, text, &origin);
		if (status != SETTINGS_OK)
			return status;
	}
	return SETTINGS_OK;
}

static enum settings_status set_option(struct load *load, const char *name, size_t size, const char *value)
{
	const struct origin origin = {.source = SETTINGS_FROM_COMMAND_LINE, .place = "command line"};

	if (value == NULL) {
		say_where(load->errors, &origin);
		fprintf(load->errors, "--%.60s: a value must follow\n", name);
		return SETTINGS_INVALID;
	}
	if (same_name("config", name, size)) {
		load->config = value;
		return SETTINGS_OK;
	}
	return set(load, row_of(name, size), value, &origin);
}

static bool is_switch(const char *name, size_t size)
{
	const size_t row = row_of(name, size);

	return row < SETTINGS_COUNT && table[row].rule.choices == switches;
}

static bool is_on_or_off(const char *text)
{
	return text != NULL && (strcmp(text, "on") == 0 || strcmp(text, "off") == 0);
}

static enum settings_status load_command_line(struct load *load, int argc, char **argv)
{
	const struct origin origin = {.source = SETTINGS_FROM_COMMAND_LINE, .place = "command line"};

	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];

		if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
			return SETTINGS_HELP;
		if (strncmp(name, "--", 2) != 0) {
			say_where(load->errors, &origin);
			fprintf(load->errors, "argument %d is not an option of the form --name VALUE\n", i);
			return SETTINGS_INVALID;
		}
		name += 2;

		size_t size = strcspn(name, "=");
		if (!same_name("config", name, size) && row_of(name, size) == SETTINGS_COUNT)
			return unknown(load->errors, name, size, &origin);

		/* argv ends with NULL: an option without its value sees that. */
		const char *value = name[size] == '=' ? name + size + 1 : NULL;
		if (value == NULL)
			value = is_switch(name, size) && !is_on_or_off(argv[i + 1]) ? "on" : argv[++i];
		enum settings_status status = set_option(load, name, size, value);
		if (status != SETTINGS_OK)
			return status;
	}
	return SETTINGS_OK;
}

static enum settings_status set_from_file(void *context, const char *name, const char *value, unsigned line)
{
	struct load *load = context;
	const struct origin origin = {.source = SETTINGS_FROM_FILE, .place = load->config, .line = line};
	size_t row = row_of(name, strlen(name));

	if (row == SETTINGS_COUNT)
		return unknown(load->errors, name, strlen(name), &origin);
	return set(load, row, value, &origin);
}

enum settings_status settings_load(struct settings *ret_settings, int argc, char **argv, FILE *errors)
{
	struct settings settings = {.data = NULL};
	struct load load = {.settings = &settings, .errors = errors};
	enum settings_status status;

	status = load_defaults(&load);
	if (status == SETTINGS_OK)
		status = load_command_line(&load, argc, argv);
	if (status == SETTINGS_OK)
		status = load_environment(&load);
	if (status == SETTINGS_OK && load.config != NULL)
		status = settings_file_read(load.config, set_from_file, &load, errors);
	if (status == SETTINGS_OK && settings.domain[0])
		status = load_public_defaults(&load);
	if (status != SETTINGS_OK) {
		settings_done(&settings);
		return status;
	}
	settings.config = load.config;
	*ret_settings = settings;
	return SETTINGS_OK;
}

void settings_print(const struct settings *settings, FILE *out)
{
	static const char *const sources[] = {
		[SETTINGS_FROM_DEFAULT] = "default",
		[SETTINGS_FROM_FILE] = "file",
		[SETTINGS_FROM_ENVIRONMENT] = "environment",
		[SETTINGS_FROM_COMMAND_LINE] = "command line",
	};

	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		fprintf(out, "# %s\n%s = ", sources[settings->source[i]], table[i].name);
		settings_value_print(&table[i].rule, (const char *)settings + table[i].offset, out);
		fputc('\n', out);
	}
}

static void print_option(FILE *out, const char *name)
{
	fputs("  --", out);
	for (const char *at = name; *at != '\0'; at++)
		fputc(*at == '_' ? '-' : *at, out);
	fputs(is_switch(name, strlen(name)) ? "[=on|off]\n" : " VALUE\n", out);
}

void settings_help(const char *usage, const char *about, FILE *out)
{
	fprintf(out, "usage: %s\n\n%s\n\n", usage, about);
	fputs("  --config FILE\n      lines of `name = value`; weaker than the environment and the command line\n",
	      out);
	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		print_option(out, table[i].name);
		fprintf(out, "      %s\n      %s, default \"%s\": ", table[i].help, table[i].environment,
			table[i].standard);
		settings_value_accepts(&table[i].rule, out);
		fputc('\n', out);
	}
}

void settings_done(struct settings *settings)
{
	for (size_t i = 0; i < SETTINGS_COUNT; i++)
		settings_value_done(&table[i].rule, (char *)settings + table[i].offset);
}
