#include "server/service/certificates.h"

#include <ctype.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/clock.h"
#include "server/service/cert_files.h"
#include "server/service/cert_names.h"
#include "server/service/cert_notice.h"
#include "server/service/local_certificate.h"
#include "server/tls/certificate.h"

enum {
	LOCAL = 0, /* pairs, where there are no files: of the local CA, and of certificates_install() */
	INSTALLED = 1,
	LINE = 1200,
	SETTLE_MS = 50,
	SETTLE_TURNS = 20, /* files that never come to rest are read nevertheless */
};

struct certificates {
	struct certificates_options options;
	struct cert_names names;
	struct cert_files *files;
	struct tls_context *tls;
	char *ca_pem;
	char ca_fingerprint[96];
	char ca_hex[65];
	pthread_mutex_t lock;	 /* of what follows, once there is a thread */
	struct cert_texts texts; /* as they are served */
	bool pending;		 /* something in the files was not good */
	unsigned settling;
	char *told[CERT_SLOTS]; /* what the log was last told of each; NULL: that it is good */
	bool told_local;	/* that the local CA's cannot be renewed */
	enum cert_urgency urgency;
	_Atomic bool stopping, at_once;
	sem_t wake;
	bool running;
	pthread_t thread;
};

/* Without files: the local CA's pair is served, alone until there is one for the domain. */
static bool is_local(const struct certificates *certificates)
{
	return cert_files_pairs(certificates->files) == 0;
}

static void tell(const struct certificates *certificates, const char *what, const char *why)
{
	char line[LINE];

	snprintf(line, sizeof(line), "%s%s", what, why);
	certificates->options.log(line);
}

static void tell_served(const struct certificates *certificates)
{
	struct tls_expiry expiry;
	char line[LINE];

	tls_context_expiry(certificates->tls, &expiry);
	cert_notice_served(&expiry, line, sizeof(line));
	certificates->options.log(line);
}

/* Each fault once, until it is another or over. */
static void judge(void *arg, unsigned slot, const char *line)
{
	struct certificates *certificates = arg;

	const bool goes_on = certificates->tls && (slot < CERT_SLOT_STAPLE || slot >= CERT_SLOT_CLIENTS);

	if (line && (!certificates->told[slot] || strcmp(certificates->told[slot], line) != 0))
		tell(certificates, line, goes_on ? "; what was served before goes on" : "");
	free(certificates->told[slot]);
	certificates->told[slot] = line ? strdup(line) : NULL;
}

/* Where another fault is known it stays that one. */
static void judge_if_good(void *arg, unsigned slot, const char *line)
{
	if (!((struct certificates *)arg)->told[slot])
		judge(arg, slot, line);
}

/* ---- the local CA ------------------------------------------------------------------------------------------------ */

static struct local_certificate local_of(const struct certificates *certificates)
{
	return (struct local_certificate){
		.home = certificates->options.home,
		.names = certificates->names.names,
		.count = certificates->names.count,
		.others = certificates->names.others,
		.other_count = certificates->names.other_count,
		.lifetime = (int64_t)(certificates->options.lifetime_ms / 1000),
		.renew = (int64_t)(certificates->options.renew_ms / 1000),
	};
}

static bool take_pair(const char *chain, const char *key, struct cert_text_pair *ret_pair)
{
	return cert_text_copy(chain, false, &ret_pair->chain) && cert_text_copy(key, true, &ret_pair->key);
}

/* What clients are told of the CA. */
static bool publish_ca(struct certificates *certificates, const char *pem)
{
	size_t size = 0;

	if (tls_fingerprint(pem, certificates->ca_fingerprint) != TLS_OK)
		return false;
	for (const char *at = certificates->ca_fingerprint; *at; at++)
		if (*at != ':')
			certificates->ca_hex[size++] = (char)tolower((unsigned char)*at);
	certificates->ca_pem = strdup(pem);
	return certificates->ca_pem != NULL;
}

static bool open_local(struct certificates *certificates, char *ret_error, size_t error_size)
{
	const struct certificates_options *options = &certificates->options;
	const struct local_certificate local = local_of(certificates);
	struct tls_pems pems = {0};
	bool good;

	if (options->renew_ms >= options->lifetime_ms) {
		snprintf(ret_error, error_size, "--leaf-renew must be less than --leaf-lifetime");
		return false;
	}
	if (!local_certificate_open(&local, &pems, ret_error, error_size))
		return false;
	snprintf(ret_error, error_size, "out of memory for %s/tls/ca.pem", home_path(options->home));
	certificates->texts.pair_count = 1;
	good = take_pair(pems.leaf_cert, pems.leaf_key, &certificates->texts.pairs[LOCAL]) &&
	       publish_ca(certificates, pems.ca_cert);
	tls_pems_done(&pems);
	return good;
}

/* ---- while it runs ----------------------------------------------------------------------------------------------- */

/* Takes what is fresh, also on failure. The lock is held. */
static enum tls_status apply(struct certificates *certificates, struct cert_texts *fresh)
{
	struct tls_material material = cert_texts_material(&certificates->texts, fresh);
	enum tls_status status;

	material.pairs[LOCAL].aside = is_local(certificates) && material.pair_count > INSTALLED;
	status = tls_context_replace(certificates->tls, &material);
	if (status == TLS_OK)
		cert_texts_move(&certificates->texts, fresh);
	cert_texts_done(fresh);
	return status;
}

enum tls_status certificates_install(struct certificates *certificates, const char *chain_pem, const char *key_pem)
{
	struct cert_texts fresh = {.pair_count = INSTALLED + 1};
	enum tls_status status = TLS_NOMEM;

	pthread_mutex_lock(&certificates->lock);
	if (take_pair(chain_pem, key_pem, &fresh.pairs[INSTALLED]))
		status = apply(certificates, &fresh);
	cert_texts_done(&fresh);
	if (status == TLS_OK)
		tell_served(certificates);
	pthread_mutex_unlock(&certificates->lock);
	return status;
}

/* When it is due, or somebody says that the files are other ones. */
static void renew_local(struct certificates *certificates, bool at_once)
{
	const struct local_certificate local = local_of(certificates);
	const char *served = certificates->texts.pairs[LOCAL].chain.bytes;
	struct cert_texts fresh = {.pair_count = certificates->texts.pair_count};
	struct tls_pems pems = {0};
	struct tls_certificate leaf;
	enum tls_status status = TLS_NOMEM;
	char error[LINE] = "";
	bool good;

	if (!at_once && tls_certificate_read(served, &leaf) == TLS_OK &&
	    leaf.not_after_ms - clock_unix_ms() > local.renew * 1000)
		return;
	good = local_certificate_open(&local, &pems, error, sizeof(error));
	if (good && strcmp(pems.leaf_cert, served) != 0) {
		if (take_pair(pems.leaf_cert, pems.leaf_key, &fresh.pairs[LOCAL]))
			status = apply(certificates, &fresh);
		cert_texts_done(&fresh);
		good = status == TLS_OK;
		if (good)
			tell_served(certificates);
		else
			snprintf(error, sizeof(error), "%s", tls_status_text(status));
	}
	tls_pems_done(&pems);
	if (!good && !certificates->told_local)
		tell(certificates, "the certificate cannot be renewed, and will be tried again: ", error);
	certificates->told_local = !good;
}

static bool any(const struct cert_texts *texts, bool *ret_pair, bool *ret_other)
{
	*ret_pair = false;
	*ret_other = texts->client_ca.bytes != NULL;
	for (size_t i = 0; i < texts->pair_count; i++) {
		*ret_pair = *ret_pair || texts->pairs[i].chain.bytes;
		*ret_other = *ret_other || texts->pairs[i].staple.bytes;
	}
	return *ret_pair || *ret_other;
}

static void read_files(struct certificates *certificates)
{
	struct cert_texts fresh;
	bool pair, other;
	enum tls_status status;

	certificates->pending =
		!cert_files_read(certificates->files, &certificates->texts, false, judge, certificates, &fresh);
	if (!any(&fresh, &pair, &other)) {
		cert_texts_done(&fresh);
		return;
	}
	status = apply(certificates, &fresh);
	if (status != TLS_OK) {
		certificates->pending = true;
		tell(certificates, "the files of --tls-cert are not taken: ", tls_status_text(status));
		return;
	}
	if (pair)
		tell_served(certificates);
	if (other)
		tell(certificates, "client CAs, revocations and OCSP responses were read again", "");
}

/* Who renews it does so in time: the local CA's is said only to have expired. */
static void warn(struct certificates *certificates)
{
	struct tls_expiry expiry;
	enum cert_urgency urgency;
	char line[LINE];

	tls_context_expiry(certificates->tls, &expiry);
	urgency = cert_urgency_of(&expiry);
	if (is_local(certificates) && certificates->texts.pair_count <= INSTALLED && urgency != CERT_EXPIRED)
		urgency = CERT_FRESH;
	if (urgency > certificates->urgency) {
		cert_notice_urgent(&expiry, line, sizeof(line));
		certificates->options.log(line);
	}
	certificates->urgency = urgency;
}

/* True: soon again. The lock is held. */
static bool look(struct certificates *certificates)
{
	const bool at_once = atomic_exchange(&certificates->at_once, false);
	const enum watched_state state = cert_files_look(certificates->files);

	if (state == WATCHED_SETTLING && !at_once && certificates->settling++ < SETTLE_TURNS)
		return true;
	certificates->settling = 0;
	if (is_local(certificates))
		renew_local(certificates, at_once);
	if (at_once || state != WATCHED_SAME || certificates->pending)
		read_files(certificates);
	cert_files_judge_staples(certificates->files, &certificates->texts, judge_if_good, certificates);
	warn(certificates);
	return false;
}

static void *watch(void *arg)
{
	struct certificates *certificates = arg;
	bool soon = true;

	while (!atomic_load(&certificates->stopping)) {
		const int64_t due_ms =
			clock_monotonic_ms() + (soon ? SETTLE_MS : (int64_t)certificates->options.look_ms);
		const struct timespec due = {.tv_sec = (time_t)(due_ms / 1000), .tv_nsec = due_ms % 1000 * 1000000};

		(void)sem_clockwait(&certificates->wake, CLOCK_MONOTONIC, &due); /* cut short: a look a little early */
		if (atomic_load(&certificates->stopping))
			break;
		pthread_mutex_lock(&certificates->lock);
		soon = look(certificates);
		pthread_mutex_unlock(&certificates->lock);
	}
	return NULL;
}

void certificates_look(struct certificates *certificates)
{
	atomic_store(&certificates->at_once, true);
	sem_post(&certificates->wake);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* What is wrong has been told on the log: the error says where to look. */
static bool open_files(struct certificates *certificates, char *ret_error, size_t error_size)
{
	struct cert_texts fresh;
	bool good = cert_files_read(certificates->files, &certificates->texts, true, judge, certificates, &fresh);

	cert_texts_move(&certificates->texts, &fresh);
	cert_texts_done(&fresh);
	if (!good)
		snprintf(ret_error, error_size, "without these certificates it does not start");
	return good;
}

static bool start(struct certificates *certificates, char *ret_error, size_t error_size)
{
	const struct certificates_options *options = &certificates->options;
	const struct cert_files_options files = {.certs = options->certs,
						 .keys = options->keys,
						 .staples = options->staples,
						 .client_ca = options->client_ca,
						 .client_crl = options->client_crl};
	const struct cert_texts none = {.pair_count = 0};
	struct tls_material material;
	enum tls_status status;

	snprintf(ret_error, error_size, "out of memory or threads");
	if (!cert_names_init(&certificates->names, options->listen, options->host_name, options->domain) ||
	    !cert_files_new(&files, &certificates->files, ret_error, error_size) ||
	    (is_local(certificates) && !open_local(certificates, ret_error, error_size)) ||
	    !open_files(certificates, ret_error, error_size))
		return false;
	material = cert_texts_material(&certificates->texts, &none);
	status = tls_context_new(&material, options->least, &certificates->tls);
	if (status != TLS_OK) {
		snprintf(ret_error, error_size, "the certificates cannot be served: %s", tls_status_text(status));
		return false;
	}
	snprintf(ret_error, error_size, "out of memory or threads");
	certificates->running = pthread_create(&certificates->thread, NULL, watch, certificates) == 0;
	return certificates->running;
}

bool certificates_new(const struct certificates_options *options, struct certificates **ret_certificates,
		      char *ret_error, size_t error_size)
{
	struct certificates *certificates = calloc(1, sizeof(*certificates));

	if (!certificates) {
		snprintf(ret_error, error_size, "out of memory");
		return false;
	}
	certificates->options = *options;
	pthread_mutex_init(&certificates->lock, NULL);
	sem_init(&certificates->wake, 0, 0);
	if (!start(certificates, ret_error, error_size)) {
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
	cert_files_free(certificates->files);
	cert_names_done(&certificates->names);
	cert_texts_done(&certificates->texts);
	for (unsigned i = 0; i < CERT_SLOTS; i++)
		free(certificates->told[i]);
	free(certificates->ca_pem);
	free(certificates);
}

struct tls_context *certificates_tls(struct certificates *certificates)
{
	return certificates ? certificates->tls : NULL;
}

const char *certificates_ca_pem(const struct certificates *certificates)
{
	return certificates && !certificates->options.domain[0] ? certificates->ca_pem : NULL;
}

const char *certificates_ca_hex(const struct certificates *certificates)
{
	return certificates_ca_pem(certificates) ? certificates->ca_hex : NULL;
}

const char *certificates_ca_fingerprint(const struct certificates *certificates)
{
	return certificates && certificates->ca_pem ? certificates->ca_fingerprint : NULL;
}

const char *certificates_chain_file(const struct certificates *certificates)
{
	return certificates ? cert_files_first(certificates->files) : NULL;
}
