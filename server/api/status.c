/* GET /v1/status: how the service is, for its operator. No data, and no secret. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "db/figures.h"
#include "server/api/page.h"
#include "server/core/clock.h"
#include "server/core/keyring.h"
#include "server/core/rowmac.h"
#include "server/tls/certificate.h"

static void put_time(struct json *doc, const char *name, int64_t unix_ms)
{
	char text[25];

	clock_rfc3339(unix_ms, text);
	json_text(doc, name, text);
}

/* 0 for what lies in the future: a clock was set back. */
static uint64_t seconds_between(int64_t from_ms, int64_t to_ms)
{
	return to_ms > from_ms ? (uint64_t)(to_ms - from_ms) / 1000 : 0;
}

static void put_service(struct call *call, struct json *doc, int64_t now)
{
	const struct vault *vault = call->api->options.vault;
	const uint64_t uptime = seconds_between(call->api->started_ms, clock_monotonic_ms());

	json_text(doc, "version", COFFER_VERSION);
	put_time(doc, "time", now);
	put_time(doc, "started", now - (int64_t)uptime * 1000);
	json_number(doc, "uptime_seconds", uptime);
	json_text(doc, "seal", keyring_sealed(vault->ring) ? "sealed" : "unsealed");
	json_bool(doc, "healthy", store_healthy(vault->store));
}

/* ---- keys ---- */

struct keks {
	const struct vault *vault;
	struct json *doc;
	int64_t now;
};

static bool put_kek(void *arg, const struct store_kek *row)
{
	const struct keks *keks = arg;
	char id[2 * DIGEST_SIZE + 1];

	if (!rowmac_check_kek(keks->vault, row))
		return true; /* coffer check names it */
	encode_hex(row->kek_id, sizeof(row->kek_id), id);
	json_open_object(keks->doc, NULL);
	json_text(keks->doc, "id", id);
	json_text(keks->doc, "state", row->state == 1 ? "current" : "retired");
	put_time(keks->doc, "created", row->created_ms);
	json_number(keks->doc, "age_seconds", seconds_between(row->created_ms, keks->now));
	json_close(keks->doc);
	return true;
}

static enum store_status put_keks(struct call *call, struct json *doc, int64_t now)
{
	struct keks keks = {.vault = call->api->options.vault, .doc = doc, .now = now};
	enum store_status status;

	json_open_array(doc, "keks");
	status = store_kek_list(call_view(call), put_kek, &keks);
	json_close(doc);
	return status;
}

/* Nothing while there has never been one. */
static enum store_status put_epoch(struct call *call, struct json *doc, int64_t now)
{
	const struct vault *vault = call->api->options.vault;
	struct store_epoch *row = NULL;
	const enum store_status status = store_epoch_latest(call_view(call), vault->kek_id, &row);

	if (status == STORE_OK && rowmac_check_epoch(vault, row)) {
		json_open_object(doc, "epoch");
		put_time(doc, "created", row->created_ms);
		json_number(doc, "age_seconds", seconds_between(row->created_ms, now));
		json_bool(doc, "loaded", keyring_epoch_loaded(vault->ring, row->epoch_id));
		json_close(doc);
	}
	free(row);
	return status == STORE_NOT_FOUND ? STORE_OK : status;
}

static void put_certificate(struct call *call, struct json *doc, int64_t now)
{
	struct tls_context *context = call->api->options.tls;
	struct tls_certificate certificate;

	if (!context || tls_context_certificate(context, &certificate) != TLS_OK)
		return;
	json_open_object(doc, "certificate");
	json_open_array(doc, "names");
	for (size_t i = 0; i < certificate.count; i++)
		json_item(doc, certificate.names[i]);
	json_close(doc);
	put_time(doc, "not_after", certificate.not_after_ms);
	json_number(doc, "seconds_left", seconds_between(now, certificate.not_after_ms));
	json_close(doc);
}

static void put_renewal(struct call *call, struct json *doc)
{
	const struct api_options *options = &call->api->options;
	struct api_renewal renewal;

	if (!options->renewal)
		return;
	options->renewal(options->renewal_arg, &renewal);
	json_open_object(doc, "acme");
	json_number(doc, "failures", renewal.failures);
	if (renewal.error[0])
		json_text(doc, "error", renewal.error);
	if (renewal.tried_ms)
		put_time(doc, "last_attempt", renewal.tried_ms);
	if (renewal.next_ms)
		put_time(doc, "next_attempt", renewal.next_ms);
	json_close(doc);
}

/* ---- room ---- */

static const char *space_name(enum store_space space)
{
	switch (space) {
	case STORE_SPACE_OK:
		break;
	case STORE_SPACE_LOW:
		return "low";
	case STORE_SPACE_NONE:
		return "none";
	}
	return "ok";
}

static void put_store(struct call *call, struct json *doc)
{
	struct store *store = call->api->options.vault->store;
	struct store_figures figures;

	store_figures(store, &figures);
	json_open_object(doc, "database");
	json_number(doc, "bytes", figures.database_bytes);
	json_number(doc, "wal_bytes", figures.wal_bytes);
	json_close(doc);
	json_open_object(doc, "disk");
	json_number(doc, "free_bytes", figures.free_bytes);
	json_number(doc, "watermark_bytes", figures.watermark_bytes);
	json_number(doc, "reserve_bytes", figures.reserve_bytes);
	json_text(doc, "space", space_name(store_space(store)));
	json_close(doc);
	json_open_object(doc, "queue");
	json_number(doc, "waiting", figures.waiting);
	json_number(doc, "limit", figures.queue_depth);
	json_close(doc);
}

static void put_connections(struct call *call, struct json *doc)
{
	struct http_server *server = atomic_load(&call->api->server);
	struct http_figures figures;

	if (!server)
		return;
	http_server_figures(server, &figures);
	json_open_object(doc, "connections");
	json_number(doc, "open", figures.open);
	json_number(doc, "limit", figures.limit);
	json_close(doc);
}

static void put_audit(struct call *call, struct json *doc)
{
	uint8_t hash[DIGEST_SIZE];
	char text[2 * DIGEST_SIZE + 1];
	uint64_t sequence;

	audit_head(call->api->options.vault, &sequence, hash);
	encode_hex(hash, sizeof(hash), text);
	json_open_object(doc, "audit");
	json_number(doc, "sequence", sequence);
	json_text(doc, "hash", text);
	json_close(doc);
}

static void status_finish(struct call *call)
{
	const int64_t now = clock_unix_ms();
	struct json *doc = json_new();
	enum store_status status;

	put_service(call, doc, now);
	status = put_keks(call, doc, now);
	if (status == STORE_OK)
		status = put_epoch(call, doc, now);
	put_certificate(call, doc, now);
	put_renewal(call, doc);
	put_store(call, doc);
	put_audit(call, doc);
	put_connections(call, doc);
	if (status == STORE_OK) {
		(void)json_reply(call, 200, doc);
		return;
	}
	json_free(doc);
	call_refuse(call, core_from_store(status));
}

const struct api_steps SERVICE_STATUS = {
	.action = AUDIT_STATUS_READ,
	.logs_refusals = true,
	.finish = status_finish,
};
