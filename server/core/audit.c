#include "server/core/audit.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/wire.h"
#include "server/core/metrics.h"

/* One with a note is of the second format: its digest follows. */
enum { EVENT_FORMAT = 1, EVENT_FORMAT_NOTE = 2 };

/*
 * settled_*: the head as COMMIT left it. pending_*: as the open transaction would leave it. They differ only between an
 * audit_append() and the audit_settled() that follows it.
 */
struct audit_chain {
	pthread_mutex_t lock; /* for the settled half, which others read */
	uint64_t settled_sequence;
	uint64_t pending_sequence;
	uint8_t settled_hash[DIGEST_SIZE];
	uint8_t pending_hash[DIGEST_SIZE];
	uint32_t pending_counts[METRIC_COUNT]; /* what the open transaction adds to the metrics */
};

static const char *const ACTION_NAMES[] = {
	[AUDIT_STORE_CREATED] = "store.create",
	[AUDIT_RECORD_CREATE] = "record.create",
	[AUDIT_RECORD_READ] = "record.read",
	[AUDIT_RECORD_REPLACE] = "record.replace",
	[AUDIT_RECORD_DELETE] = "record.delete",
	[AUDIT_RECORD_SHREDDED] = "record.shredded",
	[AUDIT_RECORD_LIST] = "record.list",
	[AUDIT_RECORD_VERSIONS] = "record.versions",
	[AUDIT_RECORD_INTERRUPTED] = "record.interrupted",
	[AUDIT_UNSEAL] = "service.unseal",
	[AUDIT_SEAL] = "service.seal",
	[AUDIT_KEY_PUT] = "key.put",
	[AUDIT_KEY_READ] = "key.read",
	[AUDIT_KEY_REMOVE] = "key.remove",
	[AUDIT_KEY_LIST] = "key.list",
	[AUDIT_KEY_HISTORY] = "key.history",
	[AUDIT_LOGIN] = "login.begin",
	[AUDIT_LOGOUT] = "login.end",
	[AUDIT_INVITE_CREATE] = "invite.create",
	[AUDIT_MESSAGE_DEPOSIT] = "message.deposit",
	[AUDIT_MESSAGE_LIST] = "message.list",
	[AUDIT_MESSAGE_READ] = "message.read",
	[AUDIT_MESSAGE_ACKNOWLEDGE] = "message.acknowledge",
	[AUDIT_MESSAGE_EXPIRED] = "message.expired",
	[AUDIT_MESSAGE_SHREDDED] = "message.shredded",
	[AUDIT_INVITE_LIST] = "invite.list",
	[AUDIT_INVITE_REVOKE] = "invite.revoke",
	[AUDIT_LOG_READ] = "audit.read",
	[AUDIT_LOG_CHECKPOINT] = "audit.checkpoint",
	[AUDIT_ACCOUNT_CREATE] = "account.create",
	[AUDIT_ACCOUNT_CHANGE] = "account.change",
	[AUDIT_ACCOUNT_READ] = "account.read",
	[AUDIT_ACCOUNT_LIST] = "account.list",
	[AUDIT_TOKEN_CREATE] = "token.create",
	[AUDIT_TOKEN_LIST] = "token.list",
	[AUDIT_TOKEN_REVOKE] = "token.revoke",
	[AUDIT_GRANT_PUT] = "grant.put",
	[AUDIT_GRANT_REVOKE] = "grant.revoke",
	[AUDIT_GRANT_LIST] = "grant.list",
	[AUDIT_RECORD_BREAK_GLASS] = "record.break-glass",
	[AUDIT_REFUSED] = "access.refused",
	[AUDIT_IDENTITY_ROTATE] = "identity.rotate",
	[AUDIT_SESSION_READ] = "session.read",
	[AUDIT_STATUS_READ] = "status.read",
};

const char *audit_action_name(unsigned action)
{
	return action < sizeof(ACTION_NAMES) / sizeof(ACTION_NAMES[0]) ? ACTION_NAMES[action] : NULL;
}

size_t audit_encode(uint64_t sequence, const struct audit_event *event, uint8_t ret_bytes[static AUDIT_EVENT_MAX])
{
	struct wire_out out;

	wire_out_init(&out, ret_bytes, AUDIT_EVENT_MAX);
	wire_put_u8(&out, event->has_note ? EVENT_FORMAT_NOTE : EVENT_FORMAT);
	wire_put_u64(&out, 0); /* stream: one a node, and there is one node */
	wire_put_u64(&out, sequence);
	wire_put_u64(&out, (uint64_t)event->time_ms);
	wire_put_bytes(&out, event->account_id, sizeof(event->account_id));
	wire_put_bytes(&out, event->token_id, sizeof(event->token_id));
	wire_put_lp(&out, event->peer, strnlen(event->peer, sizeof(event->peer) - 1));
	wire_put_u16(&out, (uint16_t)event->action);
	wire_put_bytes(&out, event->object_id, sizeof(event->object_id));
	wire_put_u64(&out, event->version);
	wire_put_u64(&out, event->revision);
	wire_put_u16(&out, (uint16_t)event->outcome);
	wire_put_bytes(&out, event->request_id, sizeof(event->request_id));
	if (event->has_note)
		wire_put_bytes(&out, event->note, sizeof(event->note));
	return out.used;
}

bool audit_decode(const uint8_t *bytes, size_t size, uint64_t *ret_sequence, struct audit_event *ret_event)
{
	struct audit_event event = {0};
	struct wire_in in;
	uint64_t sequence;
	const uint8_t *peer;
	size_t peer_size;
	unsigned format;
	bool known;

	wire_in_init(&in, bytes, size);
	format = wire_get_u8(&in);
	known = (format == EVENT_FORMAT || format == EVENT_FORMAT_NOTE) && wire_get_u64(&in) == 0;
	sequence = wire_get_u64(&in);
	event.time_ms = (int64_t)wire_get_u64(&in);
	wire_get_bytes(&in, event.account_id, sizeof(event.account_id));
	wire_get_bytes(&in, event.token_id, sizeof(event.token_id));
	peer = wire_get_lp(&in, &peer_size);
	if (!peer || peer_size >= sizeof(event.peer) || memchr(peer, 0, peer_size))
		return false;
	memcpy(event.peer, peer, peer_size);
	event.action = (enum audit_action)wire_get_u16(&in);
	wire_get_bytes(&in, event.object_id, sizeof(event.object_id));
	event.version = wire_get_u64(&in);
	event.revision = wire_get_u64(&in);
	event.outcome = wire_get_u16(&in);
	wire_get_bytes(&in, event.request_id, sizeof(event.request_id));
	event.has_note = format == EVENT_FORMAT_NOTE;
	if (event.has_note)
		wire_get_bytes(&in, event.note, sizeof(event.note));
	if (!known || !wire_in_done(&in) || !audit_action_name(event.action))
		return false;
	*ret_sequence = sequence;
	*ret_event = event;
	return true;
}

static void chain_hash(const uint8_t previous[static DIGEST_SIZE], const uint8_t *event, size_t size,
		       uint8_t ret_hash[static DIGEST_SIZE])
{
	uint8_t link[DIGEST_SIZE + AUDIT_EVENT_MAX];

	memcpy(link, previous, DIGEST_SIZE);
	memcpy(link + DIGEST_SIZE, event, size);
	digest_sha256(link, DIGEST_SIZE + size, ret_hash);
}

enum core_status audit_chain_new(struct store_view *view, const struct vault *vault, struct audit_chain **ret_chain)
{
	struct audit_chain *chain = calloc(1, sizeof(*chain));
	struct store_audit_event *last = NULL;
	enum store_status status;

	if (!chain)
		return CORE_NOMEM;
	pthread_mutex_init(&chain->lock, NULL);
	status = store_audit_last(view, &last);
	if (status != STORE_OK && status != STORE_NOT_FOUND) {
		audit_chain_free(chain);
		return core_from_store(status);
	}
	if (last) {
		if (mac_verify(&vault->keys->audit, last->hash, sizeof(last->hash), last->mac) != CRYPTO_OK) {
			free(last);
			audit_chain_free(chain);
			return CORE_DAMAGED;
		}
		chain->settled_sequence = chain->pending_sequence = last->sequence;
		memcpy(chain->settled_hash, last->hash, DIGEST_SIZE);
		memcpy(chain->pending_hash, last->hash, DIGEST_SIZE);
	}
	free(last);
	*ret_chain = chain;
	return CORE_OK;
}

bool audit_chain_is_empty(const struct audit_chain *chain)
{
	return chain->settled_sequence == 0;
}

void audit_chain_free(struct audit_chain *chain)
{
	if (!chain)
		return;
	pthread_mutex_destroy(&chain->lock);
	free(chain);
}

void audit_head(const struct vault *vault, uint64_t *ret_sequence, uint8_t ret_hash[static DIGEST_SIZE])
{
	struct audit_chain *chain = vault->chain;

	pthread_mutex_lock(&chain->lock);
	*ret_sequence = chain->settled_sequence;
	memcpy(ret_hash, chain->settled_hash, DIGEST_SIZE);
	pthread_mutex_unlock(&chain->lock);
}

static enum metric class_of(const struct audit_event *event)
{
	if (event->outcome == 0)
		return METRIC_AUDIT_OWN;
	if (event->outcome >= 500)
		return METRIC_AUDIT_FAILED;
	return event->outcome >= 400 ? METRIC_AUDIT_REFUSED_EVENT : METRIC_AUDIT_DONE;
}

static void count_pending(struct audit_chain *chain, const struct audit_event *event)
{
	const enum metric metric = class_of(event);

	chain->pending_counts[metric]++;
	if (event->action == AUDIT_RECORD_BREAK_GLASS && metric == METRIC_AUDIT_DONE)
		chain->pending_counts[METRIC_BREAK_GLASS]++;
}

/* Adds to the metrics what was counted, or forgets it. */
static void settle_counts(const struct vault *vault, bool committed)
{
	static const enum metric COUNTED[] = {METRIC_AUDIT_DONE, METRIC_AUDIT_REFUSED_EVENT, METRIC_AUDIT_FAILED,
					      METRIC_AUDIT_OWN, METRIC_BREAK_GLASS};

	for (size_t i = 0; i < sizeof(COUNTED) / sizeof(COUNTED[0]); i++) {
		uint32_t *count = &vault->chain->pending_counts[COUNTED[i]];

		if (committed)
			metrics_count(vault->metrics, COUNTED[i], *count);
		*count = 0;
	}
}

enum store_status audit_append(const struct vault *vault, struct store_txn *txn, const struct audit_event *event)
{
	struct audit_chain *chain = vault->chain;
	uint8_t bytes[AUDIT_EVENT_MAX];
	struct store_audit_event row = {.sequence = chain->pending_sequence + 1};
	enum store_status status;

	row.event = (struct store_bytes){bytes, audit_encode(row.sequence, event, bytes)};
	chain_hash(chain->pending_hash, row.event.data, row.event.size, row.hash);
	mac_compute(&vault->keys->audit, row.hash, sizeof(row.hash), row.mac);
	status = store_audit_insert(txn, &row);
	if (status != STORE_OK)
		return status;
	chain->pending_sequence = row.sequence;
	memcpy(chain->pending_hash, row.hash, DIGEST_SIZE);
	count_pending(chain, event);
	return STORE_OK;
}

uint64_t audit_appended(const struct vault *vault)
{
	return vault->chain->pending_sequence;
}

void audit_settled(const struct vault *vault, bool committed)
{
	struct audit_chain *chain = vault->chain;

	settle_counts(vault, committed);
	if (committed) {
		pthread_mutex_lock(&chain->lock);
		chain->settled_sequence = chain->pending_sequence;
		memcpy(chain->settled_hash, chain->pending_hash, DIGEST_SIZE);
		pthread_mutex_unlock(&chain->lock);
		return;
	}
	chain->pending_sequence = chain->settled_sequence;
	memcpy(chain->pending_hash, chain->settled_hash, DIGEST_SIZE);
}

enum audit_fit audit_fit(const struct vault *vault, const uint8_t previous[static DIGEST_SIZE],
			 const struct store_audit_event *row, struct audit_event *ret_event)
{
	struct audit_event event;
	uint64_t sequence;
	uint8_t hash[DIGEST_SIZE];

	if (row->event.size > AUDIT_EVENT_MAX || !audit_decode(row->event.data, row->event.size, &sequence, &event))
		return AUDIT_NO_EVENT;
	if (sequence != row->sequence)
		return AUDIT_MISPLACED;
	chain_hash(previous, row->event.data, row->event.size, hash);
	if (memcmp(hash, row->hash, sizeof(hash)) != 0)
		return AUDIT_ALTERED;
	if (mac_verify(&vault->keys->audit, row->hash, sizeof(row->hash), row->mac) != CRYPTO_OK)
		return AUDIT_FOREIGN;
	*ret_event = event;
	return AUDIT_FITS;
}
