/*
 * Row authentication (FORMATS §2): HMAC-SHA256 under the row key over lp(table) ‖ every protected column, lp-encoded,
 * in schema order. *_seal fills in row->mac; *_check compares, and also refuses states and suites that do not exist.
 */
#ifndef COFFER_CORE_ROWMAC_H
#define COFFER_CORE_ROWMAC_H

#include <stdbool.h>

#include "db/audit.h"
#include "db/audit_index.h"
#include "db/identity.h"
#include "db/store.h"
#include "server/core/vault.h"

/* False only when a column is too long for its lp (no row that coffer makes is). */
MUST_CHECK bool rowmac_seal_version(const struct vault *vault, struct store_version *row);
MUST_CHECK bool rowmac_check_version(const struct vault *vault, const struct store_version *row);
MUST_CHECK bool rowmac_seal_wrap(const struct vault *vault, struct store_version *row);
MUST_CHECK bool rowmac_check_wrap(const struct vault *vault, const struct store_version *row);
MUST_CHECK bool rowmac_seal_epoch(const struct vault *vault, struct store_epoch *row);
MUST_CHECK bool rowmac_check_epoch(const struct vault *vault, const struct store_epoch *row);
MUST_CHECK bool rowmac_seal_kek(const struct vault *vault, struct store_kek *row);
MUST_CHECK bool rowmac_check_kek(const struct vault *vault, const struct store_kek *row);
MUST_CHECK bool rowmac_seal_account(const struct vault *vault, struct store_account *row);
MUST_CHECK bool rowmac_check_account(const struct vault *vault, const struct store_account *row);
MUST_CHECK bool rowmac_seal_token(const struct vault *vault, struct store_token *row);
MUST_CHECK bool rowmac_check_token(const struct vault *vault, const struct store_token *row);
MUST_CHECK bool rowmac_seal_directory_key(const struct vault *vault, struct store_directory_key *row);
MUST_CHECK bool rowmac_check_directory_key(const struct vault *vault, const struct store_directory_key *row);
MUST_CHECK bool rowmac_seal_invite(const struct vault *vault, struct store_invite *row);
MUST_CHECK bool rowmac_check_invite(const struct vault *vault, const struct store_invite *row);
MUST_CHECK bool rowmac_seal_message(const struct vault *vault, struct store_message *row);
MUST_CHECK bool rowmac_check_message(const struct vault *vault, const struct store_message *row);
MUST_CHECK bool rowmac_seal_grant(const struct vault *vault, struct store_grant *row);
MUST_CHECK bool rowmac_check_grant(const struct vault *vault, const struct store_grant *row);
MUST_CHECK bool rowmac_seal_audit_segment(const struct vault *vault, struct store_audit_segment *row);
MUST_CHECK bool rowmac_check_audit_segment(const struct vault *vault, const struct store_audit_segment *row);
MUST_CHECK bool rowmac_seal_audit_run(const struct vault *vault, struct store_audit_run *row);
MUST_CHECK bool rowmac_check_audit_run(const struct vault *vault, const struct store_audit_run *row);
MUST_CHECK bool rowmac_seal_audit_page(const struct vault *vault, struct store_audit_page *row);
MUST_CHECK bool rowmac_check_audit_page(const struct vault *vault, const struct store_audit_page *row);
MUST_CHECK bool rowmac_seal_identity(const struct vault *vault, struct store_identity *row);
MUST_CHECK bool rowmac_check_identity(const struct vault *vault, const struct store_identity *row);

#endif
