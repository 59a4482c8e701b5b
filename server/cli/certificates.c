#include "server/cli/certificates.h"

#include <ctype.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/cli/cert_names.h"
#include "server/cli/local_certificate.h"
#include "server/core/clock.h"
#include "server/core/files.h"

enum { LINE = 1200 };

struct certificates {
	struct certificates_options options;
	struct cert_names names;
	struct tls_context *tls;
	char *ca_pem;
	char ca_fingerprint[96];
	char ca_hex[65];
	pthread_mutex_t lock; /* of the texts that are served */
	char *chain, *key, *client_ca, *client_crl;
	bool installed; /* by certificates_install() */
	_Atomic bool stopping;
	sem_t wake;
	bool running;
	pthread_t thread;
};

/* A key is among them. */
static void drop(char **text)
{
	if (*text)
		secret_wipe(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

static void move(char **to, char **from)
{
	drop(to);
	*to = *from;
	*from = NULL;
}

static struct tls_material material_of(const struct certificates *certificates)
{
	return (struct tls_material){
		.pairs = {{.chain_pem = certificates->chain, .key_pem = certificates->key}},
		.pair_count = 1,
		.client_ca_pem = certificates->client_ca,
		.client_crl_pem = certificates->client_crl,
	};
}

/* ---- at the start ------------------------------------------------------------------------------------------------ */

/* *ret_text stays NULL when no file is named. */
static bool read_named(const char *path, char **ret_text, struct files_error *error)
{
	char *text;
	size_t size;

	if (!path[0])
		return true;
	if (files_read(path, false, &text, &size, error) != CORE_OK)
		return false;
	*ret_text = strdup(text);
	secret_free(text, size + 1);
	if (!*ret_text)
		snprintf(error->text, error->size, "out of memory");
	return *ret_text != NULL;
}

static bool open_client_ca(struct certificates *certificates, struct files_error *error)
{
	const struct certificates_options *options = &certificates->options;

	if (options->client_crl[0] && !options->client_ca[0]) {
		snprintf(error->text, error->size, "--client-crl is of no use without --client-ca");
		return false;
	}
	return read_named(options->client_ca, &certificates->client_ca, error) &&
	       read_named(options->client_crl, &certificates->client_crl, error);
}

/* What clients are told of the CA. */
static bool publish_ca(struct certificates *certificates, const struct tls_pems *pems)
{
	size_t size = 0;

	if (tls_fingerprint(pems->ca_cert, certificates->ca_fingerprint) != TLS_OK)
		return false;
	for (const char *at = certificates->ca_fingerprint; *at; at++)
		if (*at != ':')
			certificates->ca_hex[size++] = (char)tolower((unsigned char)*at);
	certificates->ca_pem = strdup(pems->ca_cert);
	return certificates->ca_pem != NULL;
}

static bool open_local(struct certificates *certificates, struct files_error *error)
{
	const struct certificates_options *options = &certificates->options;
	struct tls_pems pems = {0};
	bool good;

	if (!local_certificate_open(options->home, certificates->names.names, certificates->names.count, &pems,
				    error->text, error->size))
		return false;
	move(&certificates->chain, &pems.leaf_cert);
	move(&certificates->key, &pems.leaf_key);
	good = publish_ca(certificates, &pems);
	if (!good)
		snprintf(error->text, error->size, "%s/tls/ca.pem is no certificate: restore it",
			 home_path(options->home));
	tls_pems_done(&pems);
	return good;
}

static bool open_context(struct certificates *certificates, struct files_error *error)
{
	const struct certificates_options *options = &certificates->options;
	const struct tls_material material = material_of(certificates);
	const enum tls_status status = tls_context_new(&material, &certificates->tls);
	const char *file = status == TLS_CLIENT_CA    ? options->client_ca
			   : status == TLS_CLIENT_CRL ? options->client_crl
						      : "the certificate";

	if (status != TLS_OK)
		snprintf(error->text, error->size, "%s: %s", file, tls_status_text(status));
	return status == TLS_OK;
}

/* ---- while it runs ----------------------------------------------------------------------------------------------- */

static void tell(const struct certificates *certificates, const char *format, const char *text)
{
	char line[LINE];

	snprintf(line, sizeof(line), format, text);
	certificates->options.log(line);
}

/* Takes the two texts, also on failure. The lock is held. */
static enum tls_status replace_pair(struct certificates *certificates, char *chain, char *key)
{
	struct tls_material material = material_of(certificates);
	enum tls_status status = TLS_NOMEM;

	material.pairs[0] = (struct tls_pair){.chain_pem = chain, .key_pem = key};
	if (chain && key)
		status = tls_context_replace(certificates->tls, &material);
	if (status == TLS_OK) {
		move(&certificates->chain, &chain);
		move(&certificates->key, &key);
	}
	drop(&chain);
	drop(&key);
	return status;
}

enum tls_status certificates_install(struct certificates *certificates, const char *chain_pem, const char *key_pem)
{
	enum tls_status status;

	pthread_mutex_lock(&certificates->lock);
	status = replace_pair(certificates, strdup(chain_pem), strdup(key_pem));
	certificates->installed = certificates->installed || status == TLS_OK;
	pthread_mutex_unlock(&certificates->lock);
	return status;
}

static void renew_local(struct certificates *certificates)
{
	struct tls_pems pems = {0};
	char error[1024];
	enum tls_status status;

	if (!local_certificate_open(certificates->options.home, certificates->names.names, certificates->names.count,
				    &pems, error, sizeof(error))) {
		tell(certificates, "the certificate cannot be renewed, and will be tried again: %s", error);
		return;
	}
	if (strcmp(pems.leaf_cert, certificates->chain) != 0) {
		status = replace_pair(certificates, pems.leaf_cert, pems.leaf_key);
		pems.leaf_cert = pems.leaf_key = NULL;
		tell(certificates, status == TLS_OK ? "the certificate was renewed%s" : "the renewed certificate: %s",
		     status == TLS_OK ? "" : tls_status_text(status));
	}
	tls_pems_done(&pems);
}

static void *watch(void *arg)
{
	struct certificates *certificates = arg;

	while (!atomic_load(&certificates->stopping)) {
		const int64_t due_ms = clock_monotonic_ms() + (int64_t)certificates->options.look_ms;
		const struct timespec due = {.tv_sec = (time_t)(due_ms / 1000), .tv_nsec = due_ms % 1000 * 1000000};

		(void)sem_clockwait(&certificates->wake, CLOCK_MONOTONIC, &due); /* cut short: a look a little early */
		pthread_mutex_lock(&certificates->lock);
		if (!certificates->installed && !atomic_load(&certificates->stopping))
			renew_local(certificates);
		pthread_mutex_unlock(&certificates->lock);
	}
	return NULL;
}

void certificates_look(struct certificates *certificates)
{
	sem_post(&certificates->wake);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

bool certificates_new(const struct certificates_options *options, struct certificates **ret_certificates,
		      char *ret_error, size_t error_size)
{
	struct certificates *certificates = calloc(1, sizeof(*certificates));
	struct files_error error = {ret_error, error_size};

	snprintf(ret_error, error_size, "out of memory or threads");
	if (!certificates)
		return false;
	certificates->options = *options;
	pthread_mutex_init(&certificates->lock, NULL);
	sem_init(&certificates->wake, 0, 0);
	if (!cert_names_init(&certificates->names, options->listen, options->host_name) ||
	    !open_local(certificates, &error) || !open_client_ca(certificates, &error) ||
	    !open_context(certificates, &error)) {
		certificates_free(certificates);
		return false;
	}
	snprintf(ret_error, error_size, "out of memory or threads");
	certificates->running = pthread_create(&certificates->thread, NULL, watch, certificates) == 0;
	if (!certificates->running) {
		certificates_free(certificates);
		return false;
	}
	*ret_certificates = certificates;
	return true;
}

void certificates_free(struct certificates *certificates)
{
	if (!certificates)
		return;
	if (certificates->running) {
		atomic_store(&certificates->stopping, true);
		sem_post(&certificates->wake);
		pthread_join(certificates->thread, NULL);
	}
	sem_destroy(&certificates->wake);
	pthread_mutex_destroy(&certificates->lock);
	tls_context_free(certificates->tls);
	cert_names_done(&certificates->names);
	drop(&certificates->chain);
	drop(&certificates->key);
	drop(&certificates->client_ca);
	drop(&certificates->client_crl);
	free(certificates->ca_pem);
	free(certificates);
}

struct tls_context *certificates_tls(struct certificates *certificates)
{
	return certificates ? certificates->tls : NULL;
}

const char *certificates_ca_pem(const struct certificates *certificates)
{
	return certificates ? certificates->ca_pem : NULL;
}

const char *certificates_ca_hex(const struct certificates *certificates)
{
	return certificates && certificates->ca_pem ? certificates->ca_hex : NULL;
}

const char *certificates_ca_fingerprint(const struct certificates *certificates)
{
	return certificates && certificates->ca_pem ? certificates->ca_fingerprint : NULL;
}
