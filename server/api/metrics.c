/* GET /metrics: what the service counts of itself, in the text format of Prometheus (0.0.4). No data, and no secret. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "db/figures.h"
#include "server/api/call.h"
#include "server/api/metrics.h"
#include "server/api/tally.h"
#include "server/core/keyring.h"
#include "server/core/metrics.h"
#include "server/core/process.h"
#include "server/core/rowmac.h"
#include "server/tls/certificate.h"

/* ---- single numbers: each a row of the table, and found by gather() ------------------------------------------------
 */

#define SINGLE_LIST(X)                                                                                                 \
	X(SEALED, "coffer_sealed", "gauge", "1 while the private half of the KEK is not in memory")                    \
	X(HEALTHY, "coffer_database_healthy", "gauge", "0 once the database was found damaged")                        \
	X(AUDIT_HEAD, "coffer_audit_head_sequence", "gauge", "The last event of the audit log that is durable")        \
	X(KEK, "coffer_kek_created_timestamp_seconds", "gauge", "When the current KEK was made")                       \
	X(EPOCH, "coffer_epoch_key_created_timestamp_seconds", "gauge", "When the newest epoch key was made; 0: none") \
	X(CERTIFICATE, "coffer_certificate_not_after_timestamp_seconds", "gauge",                                      \
	  "When the certificate that is shown to clients ends; of several, the first that does")                       \
	X(ACME_FAILURES, "coffer_acme_failures", "gauge",                                                              \
	  "Attempts in a row that brought no certificate; absent without --domain")                                    \
	X(ACME_NEXT, "coffer_acme_next_attempt_timestamp_seconds", "gauge",                                            \
	  "When the certificate is renewed, or asked for again")                                                       \
	X(QUEUE, "coffer_queue_waiting", "gauge", "Requests and other jobs that wait for a transaction")               \
	X(QUEUE_LIMIT, "coffer_queue_limit", "gauge", "As many may (--queue-depth)")                                   \
	X(WORKERS, "coffer_workers_waiting", "gauge", "Requests that wait for a thread that does RSA")                 \
	X(DATABASE, "coffer_database_size_bytes", "gauge", "The database file")                                        \
	X(WAL, "coffer_database_wal_size_bytes", "gauge", "The write-ahead log beside it")                             \
	X(FREE, "coffer_disk_free_bytes", "gauge", "Free space on its file system")                                    \
	X(WATERMARK, "coffer_disk_watermark_bytes", "gauge", "Below so much, writes are refused (--disk-watermark)")   \
	X(RESERVE, "coffer_disk_reserve_bytes", "gauge", "Below so much, reads are refused too (--disk-reserve)")      \
	X(OPEN, "coffer_connections_open", "gauge", "Connections that are open")                                       \
	X(OPEN_LIMIT, "coffer_connections_limit", "gauge", "As many are served at once (--max-connections)")           \
	X(ACCEPTED, "coffer_connections_accepted_total", "counter", "Connections that were accepted")                  \
	X(CPU, "process_cpu_seconds_total", "counter", "Processor time, user and system")                              \
	X(STARTED, "process_start_time_seconds", "gauge", "When the process was started")                              \
	X(VIRTUAL, "process_virtual_memory_bytes", "gauge", "Virtual memory")                                          \
	X(RESIDENT, "process_resident_memory_bytes", "gauge", "Resident memory")                                       \
	X(FILES, "process_open_fds", "gauge", "Open file descriptors")                                                 \
	X(FILES_LIMIT, "process_max_fds", "gauge", "As many may be open (RLIMIT_NOFILE)")                              \
	X(THREADS, "process_threads", "gauge", "Threads")

#define SINGLE_ENUM(name, family, type, help) SINGLE_##name,
enum single { SINGLE_LIST(SINGLE_ENUM) SINGLE_COUNT };
#undef SINGLE_ENUM

#define SINGLE_ROW(name, family_, type_, help_) [SINGLE_##name] = {.family = family_, .type = type_, .help = help_},
static const struct {
	const char *family, *type, *help;
} SINGLES[] = {SINGLE_LIST(SINGLE_ROW)};
#undef SINGLE_ROW
_Static_assert(sizeof(SINGLES) / sizeof(SINGLES[0]) == SINGLE_COUNT, "a row for each number");

/* What cannot be found is NaN, and left out. */
struct scrape {
	double values[SINGLE_COUNT];
	struct http_figures http;
};

static bool keep_current_kek(void *arg, const struct store_kek *row)
{
	*(int64_t *)arg = row->state == 1 ? row->created_ms : *(int64_t *)arg;
	return true;
}

static void gather_keys(struct api *api, struct store_view *view, double *values)
{
	const struct vault *vault = api->options.vault;
	struct store_epoch *epoch = NULL;
	struct tls_certificate certificate;
	int64_t kek_ms = 0;
	uint8_t hash[DIGEST_SIZE];
	uint64_t sequence;

	if (store_kek_list(view, keep_current_kek, &kek_ms) == STORE_OK && kek_ms > 0)
		values[SINGLE_KEK] = (double)kek_ms / 1000;
	switch (store_epoch_latest(view, vault->kek_id, &epoch)) {
	case STORE_OK:
		values[SINGLE_EPOCH] = (double)epoch->created_ms / 1000;
		break;
	case STORE_NOT_FOUND:
		values[SINGLE_EPOCH] = 0;
		break;
	default:
		break;
	}
	free(epoch);
	if (api->options.tls && tls_context_certificate(api->options.tls, &certificate) == TLS_OK)
		values[SINGLE_CERTIFICATE] = (double)certificate.not_after_ms / 1000;
	values[SINGLE_SEALED] = keyring_sealed(vault->ring);
	audit_head(vault, &sequence, hash);
	values[SINGLE_AUDIT_HEAD] = (double)sequence;
}

static void gather_renewal(const struct api *api, double *values)
{
	struct api_renewal renewal;

	if (!api->options.renewal)
		return;
	api->options.renewal(api->options.renewal_arg, &renewal);
	values[SINGLE_ACME_FAILURES] = renewal.failures;
	if (renewal.next_ms)
		values[SINGLE_ACME_NEXT] = (double)renewal.next_ms / 1000;
}

static void gather_store(struct api *api, double *values)
{
	struct store *store = api->options.vault->store;
	struct store_figures figures;

	store_figures(store, &figures);
	values[SINGLE_HEALTHY] = store_healthy(store);
	values[SINGLE_QUEUE] = (double)figures.waiting;
	values[SINGLE_QUEUE_LIMIT] = (double)figures.queue_depth;
	values[SINGLE_WORKERS] = (double)workers_waiting(api->options.workers);
	values[SINGLE_DATABASE] = (double)figures.database_bytes;
	values[SINGLE_WAL] = (double)figures.wal_bytes;
	values[SINGLE_FREE] = (double)figures.free_bytes;
	values[SINGLE_WATERMARK] = (double)figures.watermark_bytes;
	values[SINGLE_RESERVE] = (double)figures.reserve_bytes;
}

static void gather_process(double *values)
{
	struct process_figures figures;

	if (!process_look(&figures))
		return;
	values[SINGLE_CPU] = figures.cpu_seconds;
	values[SINGLE_STARTED] = figures.start_seconds;
	values[SINGLE_VIRTUAL] = (double)figures.virtual_bytes;
	values[SINGLE_RESIDENT] = (double)figures.resident_bytes;
	values[SINGLE_FILES] = (double)figures.open_files;
	values[SINGLE_FILES_LIMIT] = (double)figures.most_files;
	values[SINGLE_THREADS] = (double)figures.threads;
}

static void gather(struct api *api, struct store_view *view, struct scrape *ret_scrape)
{
	struct http_server *server = atomic_load(&api->server);

	*ret_scrape = (struct scrape){.http = {.open = 0}};
	for (size_t i = 0; i < SINGLE_COUNT; i++)
		ret_scrape->values[i] = NAN;
	gather_keys(api, view, ret_scrape->values);
	gather_renewal(api, ret_scrape->values);
	gather_store(api, ret_scrape->values);
	gather_process(ret_scrape->values);
	if (!server)
		return;
	http_server_figures(server, &ret_scrape->http);
	ret_scrape->values[SINGLE_OPEN] = ret_scrape->http.open;
	ret_scrape->values[SINGLE_OPEN_LIMIT] = ret_scrape->http.limit;
	ret_scrape->values[SINGLE_ACCEPTED] = (double)ret_scrape->http.accepted;
}

/* ---- printing ------------------------------------------------------------------------------------------------------
 */

static void print_singles(const struct scrape *scrape, struct exposition *exposition)
{
	for (size_t i = 0; i < SINGLE_COUNT; i++) {
		exposition_family(exposition, SINGLES[i].family, SINGLES[i].type, SINGLES[i].help);
		if (!isnan(scrape->values[i]))
			exposition_number(exposition, NULL, 0, scrape->values[i]);
	}
}

static void print_connections(const struct http_figures *http, struct exposition *exposition)
{
	static const char *const PHASES[HTTP_REAPED_KINDS] = {
		[HTTP_REAPED_HELLO] = "hello", [HTTP_REAPED_HANDSHAKE] = "handshake", [HTTP_REAPED_HEADER] = "header",
		[HTTP_REAPED_IDLE] = "idle",   [HTTP_REAPED_BODY] = "body",	      [HTTP_REAPED_REPLY] = "reply",
	};
	const struct {
		const char *limit;
		uint64_t count;
	} over[] = {{"address", http->over_address}, {"all", http->over_all}, {"told", http->turned_away}};

	exposition_family(
		exposition, "coffer_connections_reaped_total", "counter",
		"Connections that were ended because they passed the deadline of a phase, or were too slow in "
		"it");
	for (size_t i = 0; i < HTTP_REAPED_KINDS; i++)
		exposition_count(exposition, &(struct exposition_label){"phase", PHASES[i]}, 1, http->reaped[i]);
	exposition_family(exposition, "coffer_connections_over_limit_total", "counter",
			  "Connections beyond those of one address (address), of all (all), or of those that are told "
			  "that there are too many (told): these are closed without a word");
	for (size_t i = 0; i < sizeof(over) / sizeof(over[0]); i++)
		exposition_count(exposition, &(struct exposition_label){"limit", over[i].limit}, 1, over[i].count);
}

static void print_build(struct exposition *exposition)
{
	exposition_family(exposition, "coffer_build_info", "gauge", "Always 1; the version is in the label");
	exposition_count(exposition, &(struct exposition_label){"version", COFFER_VERSION}, 1, 1);
}

char *api_metrics(struct api *api, struct store_view *view, size_t *ret_size)
{
	struct exposition *exposition = exposition_new();
	struct scrape scrape;

	gather(api, view, &scrape);
	print_build(exposition);
	tally_print(api->tally, exposition);
	metrics_print(api->options.vault->metrics, exposition);
	print_connections(&scrape.http, exposition);
	print_singles(&scrape, exposition);
	return exposition_take(exposition, ret_size);
}

static void metrics_finish(struct call *call)
{
	size_t size = 0;
	char *text = api_metrics(call->api, call_view(call), &size);

	if (text)
		http_reply_bytes(call->x, 200, EXPOSITION_MEDIA_TYPE, text, size);
	else
		call_refuse(call, CORE_NOMEM);
	free(text);
}

const struct api_steps SERVICE_METRICS = {
	.action = AUDIT_STATUS_READ,
	.logs_refusals = true,
	.finish = metrics_finish,
};
