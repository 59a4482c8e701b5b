#include "server/core/rowmac.h"

#include <string.h>

#include "server/core/rowmac_row.h"

static void put_version(struct row *row, const struct store_version *v)
{
	struct wire_out *out = &row->out;

	row_begin(row, "version");
	wire_put_lp(out, v->record_id, sizeof(v->record_id));
	wire_put_lp_u64(out, v->version);
	wire_put_lp_u64(out, v->revision);
	wire_put_lp_u64(out, v->state);
	wire_put_lp_u64(out, v->suite);
	wire_put_lp(out, v->owner, sizeof(v->owner));
	wire_put_lp_u64(out, v->size);
	wire_put_lp_u64(out, (uint64_t)v->created_ms);
	wire_put_lp_u64(out, (uint64_t)v->changed_ms);
	wire_put_lp(out, v->content_nonce, sizeof(v->content_nonce));
	wire_put_lp(out, v->meta_nonce, sizeof(v->meta_nonce));
	wire_put_lp(out, v->commitment, sizeof(v->commitment));
	wire_put_lp_u64(out, v->blob_id);
	wire_put_lp(out, v->meta.data, v->meta.size);
}

bool rowmac_seal_version(const struct vault *vault, struct store_version *row)
{
	struct row r;

	put_version(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_version(const struct vault *vault, const struct store_version *row)
{
	struct row r;

	if (row->state < STORE_VERSION_CURRENT || row->state > STORE_VERSION_SHREDDED || row->version == 0)
		return false;
	put_version(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_wrap(struct row *row, const struct store_version *v)
{
	row_begin(row, "wrap");
	wire_put_lp(&row->out, v->record_id, sizeof(v->record_id));
	wire_put_lp_u64(&row->out, v->version);
	wire_put_lp(&row->out, v->wrap.kek_id, sizeof(v->wrap.kek_id));
	wire_put_lp_u64(&row->out, v->wrap.revision);
	wire_put_lp(&row->out, v->wrap.rsa.data, v->wrap.rsa.size);
}

bool rowmac_seal_wrap(const struct vault *vault, struct store_version *row)
{
	struct row r;

	put_wrap(&r, row);
	return row_seal(vault, &r, row->wrap.mac);
}

bool rowmac_check_wrap(const struct vault *vault, const struct store_version *row)
{
	struct row r;

	put_wrap(&r, row);
	return row_check(vault, &r, row->wrap.mac);
}

static void put_epoch(struct row *row, const struct store_epoch *e)
{
	row_begin(row, "epoch");
	wire_put_lp(&row->out, e->epoch_id, sizeof(e->epoch_id));
	wire_put_lp(&row->out, e->kek_id, sizeof(e->kek_id));
	wire_put_lp_u64(&row->out, e->revision);
	wire_put_lp_u64(&row->out, (uint64_t)e->created_ms);
	wire_put_lp_u64(&row->out, e->reserved);
	wire_put_lp(&row->out, e->wrap.data, e->wrap.size);
}

bool rowmac_seal_epoch(const struct vault *vault, struct store_epoch *row)
{
	struct row r;

	put_epoch(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_epoch(const struct vault *vault, const struct store_epoch *row)
{
	struct row r;

	put_epoch(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_kek(struct row *row, const struct store_kek *k)
{
	row_begin(row, "kek");
	wire_put_lp(&row->out, k->kek_id, sizeof(k->kek_id));
	wire_put_lp_u64(&row->out, k->revision);
	wire_put_lp_u64(&row->out, k->state);
	wire_put_lp_u64(&row->out, (uint64_t)k->created_ms);
	wire_put_lp(&row->out, k->spki.data, k->spki.size);
}

bool rowmac_seal_kek(const struct vault *vault, struct store_kek *row)
{
	struct row r;

	put_kek(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_kek(const struct vault *vault, const struct store_kek *row)
{
	struct row r;

	put_kek(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_account(struct row *row, const struct store_account *a)
{
	row_begin(row, "account");
	wire_put_lp(&row->out, a->account_id, sizeof(a->account_id));
	wire_put_lp_u64(&row->out, a->revision);
	wire_put_lp_u64(&row->out, a->state);
	wire_put_lp_u64(&row->out, a->scopes);
	wire_put_lp_u64(&row->out, (uint64_t)a->created_ms);
	wire_put_lp(&row->out, a->name.data, a->name.size);
}

bool rowmac_seal_account(const struct vault *vault, struct store_account *row)
{
	struct row r;

	put_account(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_account(const struct vault *vault, const struct store_account *row)
{
	struct row r;

	put_account(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_token(struct row *row, const struct store_token *t)
{
	row_begin(row, "token");
	wire_put_lp(&row->out, t->token_id, sizeof(t->token_id));
	wire_put_lp_u64(&row->out, t->revision);
	wire_put_lp_u64(&row->out, t->state);
	wire_put_lp(&row->out, t->hash, sizeof(t->hash));
	wire_put_lp(&row->out, t->account_id, sizeof(t->account_id));
	wire_put_lp_u64(&row->out, t->scopes);
	wire_put_lp_u64(&row->out, (uint64_t)t->created_ms);
	wire_put_lp_u64(&row->out, (uint64_t)t->expires_ms);
	wire_put_lp(&row->out, t->description.data, t->description.size);
	/* Sessions came later. Of other tokens the last use ends nothing, and is told without being vouched for. */
	if (t->idle_ms == 0)
		return;
	wire_put_lp_u64(&row->out, (uint64_t)t->idle_ms);
	wire_put_lp_u64(&row->out, (uint64_t)t->used_ms);
}

bool rowmac_seal_token(const struct vault *vault, struct store_token *row)
{
	struct row r;

	put_token(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_token(const struct vault *vault, const struct store_token *row)
{
	struct row r;

	put_token(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_directory_key(struct row *row, const struct store_directory_key *k)
{
	row_begin(row, "directory_key");
	wire_put_lp(&row->out, k->name.data, k->name.size);
	wire_put_lp_u64(&row->out, k->sequence);
	wire_put_lp(&row->out, k->account_id, sizeof(k->account_id));
	wire_put_lp_u64(&row->out, k->change);
	wire_put_lp_u64(&row->out, k->authority);
	wire_put_lp_u64(&row->out, (uint64_t)k->created_ms);
	wire_put_lp(&row->out, k->spki.data, k->spki.size);
	wire_put_lp(&row->out, k->signature.data, k->signature.size);
	wire_put_lp(&row->out, k->old_signature.data, k->old_signature.size);
	wire_put_lp(&row->out, k->origin.data, k->origin.size);
	wire_put_lp(&row->out, k->previous, sizeof(k->previous));
	wire_put_lp(&row->out, k->hash, sizeof(k->hash));
}

bool rowmac_seal_directory_key(const struct vault *vault, struct store_directory_key *row)
{
	struct row r;

	put_directory_key(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_directory_key(const struct vault *vault, const struct store_directory_key *row)
{
	struct row r;

	if (row->change < STORE_KEY_ADDED || row->change > STORE_KEY_REMOVED || row->sequence == 0)
		return false;
	put_directory_key(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_invite(struct row *row, const struct store_invite *i)
{
	row_begin(row, "invite");
	wire_put_lp(&row->out, i->invite_id, sizeof(i->invite_id));
	wire_put_lp_u64(&row->out, i->revision);
	wire_put_lp_u64(&row->out, i->state);
	wire_put_lp(&row->out, i->hash, sizeof(i->hash));
	wire_put_lp(&row->out, i->name.data, i->name.size);
	wire_put_lp_u64(&row->out, i->scopes);
	wire_put_lp_u64(&row->out, (uint64_t)i->created_ms);
	wire_put_lp_u64(&row->out, (uint64_t)i->expires_ms);
	wire_put_lp(&row->out, i->made_by, sizeof(i->made_by));
	wire_put_lp(&row->out, i->used_by, sizeof(i->used_by));
}

bool rowmac_seal_invite(const struct vault *vault, struct store_invite *row)
{
	struct row r;

	put_invite(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_invite(const struct vault *vault, const struct store_invite *row)
{
	struct row r;

	if (row->state < STORE_INVITE_OPEN || row->state > STORE_INVITE_REVOKED)
		return false;
	put_invite(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_message(struct row *row, const struct store_message *m)
{
	struct wire_out *out = &row->out;

	row_begin(row, "message");
	wire_put_lp(out, m->message_id, sizeof(m->message_id));
	wire_put_lp(out, m->mailbox, sizeof(m->mailbox));
	wire_put_lp(out, m->sender, sizeof(m->sender));
	wire_put_lp(out, m->sender_name.data, m->sender_name.size);
	wire_put_lp_u64(out, m->revision);
	wire_put_lp_u64(out, m->state);
	wire_put_lp_u64(out, m->kind);
	wire_put_lp_u64(out, (uint64_t)m->received_ms);
	wire_put_lp_u64(out, (uint64_t)m->expires_ms);
	wire_put_lp_u64(out, (uint64_t)m->changed_ms);
	wire_put_lp_u64(out, m->size);
	wire_put_lp(out, m->digest, sizeof(m->digest));
	wire_put_lp(out, m->recipient_key, sizeof(m->recipient_key));
	wire_put_lp(out, m->sender_key.data, m->sender_key.size);
	wire_put_lp(out, m->signature.data, m->signature.size);
	wire_put_lp(out, m->session.data, m->session.size);
}

bool rowmac_seal_message(const struct vault *vault, struct store_message *row)
{
	struct row r;

	put_message(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_message(const struct vault *vault, const struct store_message *row)
{
	struct row r;

	if (row->state < STORE_MESSAGE_KEPT || row->state > STORE_MESSAGE_EXPIRED)
		return false;
	put_message(&r, row);
	return row_check(vault, &r, row->mac);
}

static void put_grant(struct row *row, const struct store_grant *g)
{
	row_begin(row, "record_grant");
	wire_put_lp(&row->out, g->record_id, sizeof(g->record_id));
	wire_put_lp(&row->out, g->account_id, sizeof(g->account_id));
	wire_put_lp_u64(&row->out, g->revision);
	wire_put_lp_u64(&row->out, g->state);
	wire_put_lp_u64(&row->out, g->rights);
	wire_put_lp_u64(&row->out, (uint64_t)g->created_ms);
	wire_put_lp_u64(&row->out, (uint64_t)g->changed_ms);
}

bool rowmac_seal_grant(const struct vault *vault, struct store_grant *row)
{
	struct row r;

	put_grant(&r, row);
	return row_seal(vault, &r, row->mac);
}

bool rowmac_check_grant(const struct vault *vault, const struct store_grant *row)
{
	struct row r;

	put_grant(&r, row);
	return row_check(vault, &r, row->mac);
}
