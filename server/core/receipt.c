#include "server/core/receipt.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/wire.h"
#include "server/core/checkpoint.h"

enum { CLAIM_MAX = 256, SIGNED_MAX = 160, FIRST_LEAVES = 64 };

/* ---- the tree -----------------------------------------------------------------------------------------------------
 */

static void hash_leaf(const struct receipt *receipt, uint8_t ret_hash[static DIGEST_SIZE])
{
	uint8_t bytes[CLAIM_MAX];
	struct wire_out out;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_u8(&out, 0);
	wire_put_lp_text(&out, "coffer-receipt-v1");
	wire_put_bytes(&out, receipt->store_id, sizeof(receipt->store_id));
	wire_put_bytes(&out, receipt->record_id, sizeof(receipt->record_id));
	wire_put_u64(&out, receipt->version);
	wire_put_bytes(&out, receipt->sha256, sizeof(receipt->sha256));
	wire_put_u64(&out, 0); /* stream: one a node, and there is one node */
	wire_put_u64(&out, receipt->sequence);
	wire_put_u64(&out, (uint64_t)receipt->time_ms);
	digest_sha256(bytes, out.used, ret_hash);
}

static void hash_node(const uint8_t left[static DIGEST_SIZE], const uint8_t right[static DIGEST_SIZE],
		      uint8_t ret_hash[static DIGEST_SIZE])
{
	uint8_t bytes[1 + 2 * DIGEST_SIZE] = {1};

	memcpy(bytes + 1, left, DIGEST_SIZE);
	memcpy(bytes + 1 + DIGEST_SIZE, right, DIGEST_SIZE);
	digest_sha256(bytes, sizeof(bytes), ret_hash);
}

static size_t signed_bytes(const struct receipt *receipt, const uint8_t root[static DIGEST_SIZE],
			   uint8_t ret_bytes[static SIGNED_MAX])
{
	struct wire_out out;

	wire_out_init(&out, ret_bytes, SIGNED_MAX);
	wire_put_lp_text(&out, "coffer-receipt-root-v1");
	wire_put_bytes(&out, receipt->store_id, sizeof(receipt->store_id));
	wire_put_bytes(&out, receipt->key_id, sizeof(receipt->key_id));
	wire_put_u32(&out, receipt->leaves);
	wire_put_bytes(&out, root, DIGEST_SIZE);
	return out.used;
}

/* ---- the desk -----------------------------------------------------------------------------------------------------
 */

/* Leaves, and above them each level of the tree, the odd one out going up as it is. */
struct receipt_batch {
	atomic_uint references;
	uint32_t leaves, cap;
	uint8_t (*nodes)[DIGEST_SIZE];
	uint8_t signature[IDENTITY_SIGNATURE_SIZE];
};

struct receipt_desk {
	const struct vault *vault;
	uint8_t key_id[DIGEST_SIZE];
	struct receipt_batch *open; /* what the open transaction asked for; or NULL */
};

static void batch_release(struct receipt_batch *batch)
{
	if (!batch || atomic_fetch_sub(&batch->references, 1) > 1)
		return;
	free(batch->nodes);
	free(batch);
}

static bool batch_grow(struct receipt_batch *batch)
{
	const uint32_t cap = batch->cap ? 2 * batch->cap : FIRST_LEAVES;
	/* A level has half of the one below, rounded up: twice the leaves and one a level are enough. */
	void *nodes = realloc(batch->nodes, (2 * (size_t)cap + RECEIPT_PATH_MAX) * DIGEST_SIZE);

	if (!nodes)
		return false;
	batch->nodes = nodes;
	batch->cap = cap;
	return true;
}

struct receipt_desk *receipt_desk_new(const struct vault *vault)
{
	struct receipt_desk *desk = calloc(1, sizeof(*desk));
	uint8_t key[IDENTITY_PUBLIC_SIZE];

	if (!desk)
		return NULL;
	desk->vault = vault;
	identity_public(vault->identity, key);
	checkpoint_key_id(key, desk->key_id);
	return desk;
}

void receipt_desk_free(struct receipt_desk *desk)
{
	if (!desk)
		return;
	batch_release(desk->open);
	free(desk);
}

bool receipt_ask(struct receipt_desk *desk, struct receipt_ticket *ticket)
{
	struct receipt_batch *batch = desk->open;

	receipt_release(ticket);
	if (!batch) {
		batch = calloc(1, sizeof(*batch));
		if (!batch)
			return false;
		atomic_init(&batch->references, 1);
		desk->open = batch;
	}
	if (batch->leaves == UINT32_C(1) << (RECEIPT_PATH_MAX - 1) ||
	    (batch->leaves == batch->cap && !batch_grow(batch)))
		return false;
	memcpy(ticket->receipt.store_id, desk->vault->store_id, sizeof(ticket->receipt.store_id));
	memcpy(ticket->receipt.key_id, desk->key_id, sizeof(ticket->receipt.key_id));
	ticket->receipt.leaf = batch->leaves;
	hash_leaf(&ticket->receipt, batch->nodes[batch->leaves++]);
	atomic_fetch_add(&batch->references, 1);
	ticket->batch = batch;
	return true;
}

void receipt_settled(struct receipt_desk *desk, bool committed)
{
	struct receipt_batch *batch = desk->open;
	struct receipt root;
	uint8_t bytes[SIGNED_MAX];
	uint8_t(*level)[DIGEST_SIZE];
	uint32_t count;

	desk->open = NULL;
	if (batch && committed) {
		level = batch->nodes;
		for (count = batch->leaves; count > 1; count = (count + 1) / 2) {
			uint8_t(*above)[DIGEST_SIZE] = level + count;

			for (uint32_t i = 0; i + 1 < count; i += 2)
				hash_node(level[i], level[i + 1], above[i / 2]);
			if (count % 2)
				memcpy(above[count / 2], level[count - 1], DIGEST_SIZE);
			level = above;
		}
		memcpy(root.store_id, desk->vault->store_id, sizeof(root.store_id));
		memcpy(root.key_id, desk->key_id, sizeof(root.key_id));
		root.leaves = batch->leaves;
		identity_sign(desk->vault->identity, bytes, signed_bytes(&root, level[0], bytes), batch->signature);
	}
	batch_release(batch);
}

void receipt_collect(struct receipt_ticket *ticket)
{
	struct receipt *receipt = &ticket->receipt;
	const struct receipt_batch *batch = ticket->batch;
	uint8_t(*level)[DIGEST_SIZE] = batch->nodes;
	uint32_t at = receipt->leaf;

	receipt->leaves = batch->leaves;
	receipt->path_count = 0;
	for (uint32_t count = batch->leaves; count > 1; count = (count + 1) / 2) {
		if ((at ^ 1) < count)
			memcpy(receipt->path[receipt->path_count++], level[at ^ 1], DIGEST_SIZE);
		level += count;
		at /= 2;
	}
	memcpy(receipt->signature, batch->signature, sizeof(receipt->signature));
}

void receipt_release(struct receipt_ticket *ticket)
{
	batch_release(ticket->batch);
	ticket->batch = NULL;
}

/* ---- checking ------------------------------------------------------------------------------------------------------
 */

bool receipt_is_signed(const struct receipt *receipt, const uint8_t public_key[static IDENTITY_PUBLIC_SIZE])
{
	uint8_t node[DIGEST_SIZE], key_id[DIGEST_SIZE], bytes[SIGNED_MAX];
	uint32_t at = receipt->leaf;
	size_t used = 0;

	checkpoint_key_id(public_key, key_id);
	if (receipt->leaf >= receipt->leaves || memcmp(key_id, receipt->key_id, sizeof(key_id)) != 0)
		return false;
	hash_leaf(receipt, node);
	for (uint32_t count = receipt->leaves; count > 1; count = count / 2 + count % 2) {
		if ((at ^ 1) < count) {
			if (used == receipt->path_count)
				return false;
			if (at % 2)
				hash_node(receipt->path[used], node, node);
			else
				hash_node(node, receipt->path[used], node);
			used++;
		}
		at /= 2;
	}
	return used == receipt->path_count &&
	       identity_verify(public_key, bytes, signed_bytes(receipt, node, bytes), receipt->signature) == CRYPTO_OK;
}
