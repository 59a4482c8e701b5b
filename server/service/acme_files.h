/*
 * What ACME keeps below DIR/tls/acme (0700), and where:
 *
 * - coffer-acme-hook: a link to this program, which the client runs under that name;
 * - challenges/: proofs that a CA is waiting for (server/tls/acme_challenge.h);
 * - DIRECTORY/, one for each directory of a CA: its URL without https://, with _ for what a name may not have. In it
 * - account: the address that the account was registered with, and a line feed;
 * - private/key.pem: the account's key; the client's, as is what follows;
 * - private/NAME/key.pem: the certificate's key; NAME is the first domain;
 * - NAME/cert.pem: the certificate and its chain.
 */
#ifndef COFFER_SERVICE_ACME_FILES_H
#define COFFER_SERVICE_ACME_FILES_H

#include "server/core/files.h"

enum { ACME_FILES_ADDRESS_MAX = 256 };

struct acme_files {
	char *root, *hook, *challenges, *conf, *account, *certificates, *chain, *key;
};

/*
 * Makes the directories. data: DIR, absolute; url: of the CA's directory; name: the first domain. acme_files_done()
 * frees, also after a failure.
 */
MUST_CHECK enum core_status acme_files_init(const char *data, const char *url, const char *name,
					    struct acme_files *ret_files, struct files_error *error);
void acme_files_done(struct acme_files *files);

/* Links the hook to the file that this program has been started from, or to what has taken its place. */
MUST_CHECK enum core_status acme_files_link_hook(const struct acme_files *files, struct files_error *error);

/* PEM texts: free() them, the key by secret_wipe() first. CORE_NOT_FOUND: there is no pair. */
MUST_CHECK enum core_status acme_files_read_pair(const struct acme_files *files, char **ret_chain, char **ret_key,
						 struct files_error *error);

/* Whether an account was registered, and with what address; CORE_NOT_FOUND. */
MUST_CHECK enum core_status acme_files_account(const struct acme_files *files,
					       char ret_address[static ACME_FILES_ADDRESS_MAX],
					       struct files_error *error);
MUST_CHECK enum core_status acme_files_set_account(const struct acme_files *files, const char *address,
						   struct files_error *error);
/* The next attempt asks the CA whether there is one. */
void acme_files_forget_account(const struct acme_files *files);

/* Removes the old certificates that the client keeps, but for the newest. */
void acme_files_prune(const struct acme_files *files);

#endif
