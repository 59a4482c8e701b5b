#include "server/service/cert_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHAIN_MAX = 1 << 20,
	KEY_MAX = 1 << 16,
	STAPLE_MAX = 1 << 16,
	CA_MAX = 4 << 20,
	CRL_MAX = 16 << 20,
	LINE = 1200,
};

struct cert_files {
	struct file_pair {
		struct watched_file chain, key, staple;
	} pairs[TLS_PAIRS_MAX];
	size_t pair_count;
	struct watched_file client_ca, client_crl;
	char *texts[3]; /* what the paths of the lists point into */
};

/* ---- lists ------------------------------------------------------------------------------------------------------- */

/* Cuts a copy of the list in place; false when there are too many, or memory runs out. */
static bool split(const char *list, char **ret_text, const char *ret_paths[static TLS_PAIRS_MAX], size_t *ret_count)
{
	char *rest = strdup(list);
	size_t count = 0;

	*ret_text = rest;
	if (!rest)
		return false;
	for (char *one; list[0] && (one = strsep(&rest, ",")) != NULL;) {
		if (count == TLS_PAIRS_MAX)
			return false;
		ret_paths[count++] = one;
	}
	*ret_count = count;
	return true;
}

static bool set_pairs(struct cert_files *files, const struct cert_files_options *options, char *ret_error, size_t size)
{
	const char *certs[TLS_PAIRS_MAX], *keys[TLS_PAIRS_MAX], *staples[TLS_PAIRS_MAX];
	size_t cert_count, key_count, staple_count;

	if (!split(options->certs, &files->texts[0], certs, &cert_count) ||
	    !split(options->keys, &files->texts[1], keys, &key_count) ||
	    !split(options->staples, &files->texts[2], staples, &staple_count)) {
		snprintf(ret_error, size, "--tls-cert, --tls-key and --tls-ocsp take %d files at most", TLS_PAIRS_MAX);
		return false;
	}
	if (cert_count != key_count) {
		snprintf(ret_error, size, "--tls-cert and --tls-key must name as many files, pair by pair");
		return false;
	}
	if (staple_count != 0 && staple_count != cert_count) {
		snprintf(ret_error, size, "--tls-ocsp must name as many files as --tls-cert, or none");
		return false;
	}
	for (size_t i = 0; i < cert_count; i++)
		files->pairs[i] = (struct file_pair){
			.chain = {.path = certs[i], .max = CHAIN_MAX},
			.key = {.path = keys[i], .max = KEY_MAX, .secret = true},
			.staple = {.path = staple_count ? staples[i] : NULL, .max = STAPLE_MAX},
		};
	files->pair_count = cert_count;
	return true;
}

bool cert_files_new(const struct cert_files_options *options, struct cert_files **ret_files, char *ret_error,
		    size_t error_size)
{
	struct cert_files *files = calloc(1, sizeof(*files));

	if (!files) {
		snprintf(ret_error, error_size, "out of memory");
		return false;
	}
	if (options->client_crl[0] && !options->client_ca[0]) {
		snprintf(ret_error, error_size, "--client-crl is of no use without --client-ca");
		goto failed;
	}
	if (!set_pairs(files, options, ret_error, error_size))
		goto failed;
	files->client_ca = (struct watched_file){.path = options->client_ca, .max = CA_MAX};
	files->client_crl = (struct watched_file){.path = options->client_crl, .max = CRL_MAX};
	*ret_files = files;
	return true;
failed:
	cert_files_free(files);
	return false;
}

void cert_files_free(struct cert_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < sizeof(files->texts) / sizeof(files->texts[0]); i++)
		free(files->texts[i]);
	free(files);
}

size_t cert_files_pairs(const struct cert_files *files)
{
	return files->pair_count;
}

const char *cert_files_first(const struct cert_files *files)
{
	return files->pair_count ? files->pairs[0].chain.path : NULL;
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static enum watched_state stronger(enum watched_state a, enum watched_state b)
{
	return a > b ? a : b;
}

enum watched_state cert_files_look(const struct cert_files *files)
{
	enum watched_state state =
		stronger(watched_file_look(&files->client_ca), watched_file_look(&files->client_crl));

	for (size_t i = 0; i < files->pair_count; i++) {
		state = stronger(state, watched_file_look(&files->pairs[i].chain));
		state = stronger(state, watched_file_look(&files->pairs[i].key));
		state = stronger(state, watched_file_look(&files->pairs[i].staple));
	}
	return state;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct reading {
	struct cert_files *files;
	const struct cert_texts *current;
	bool any_date;
	void (*judge)(void *arg, unsigned slot, const char *line);
	void *arg;
	struct cert_texts *fresh;
	char line[LINE];
};

static bool refuse(struct reading *r, unsigned slot)
{
	r->judge(r->arg, slot, r->line);
	return false;
}

static void accept(const struct reading *r, unsigned slot)
{
	r->judge(r->arg, slot, NULL);
}

static bool refuse_for(struct reading *r, unsigned slot, const struct watched_file *a, const struct watched_file *b,
		       enum tls_status status)
{
	const bool both = b && b->path && b->path[0];

	snprintf(r->line, sizeof(r->line), "%s%s%s: %s", a->path, both ? ", " : "", both ? b->path : "",
		 tls_status_text(status));
	return refuse(r, slot);
}

/* Which file of the two a fault is in. */
static bool refuse_pair(struct reading *r, unsigned slot, const struct file_pair *pair, enum tls_status status)
{
	if (status == TLS_KEY)
		return refuse_for(r, slot, &pair->key, NULL, status);
	return refuse_for(r, slot, &pair->chain, status == TLS_MISMATCH ? &pair->key : NULL, status);
}

static bool read_pair(struct reading *r, size_t i)
{
	struct file_pair *files = &r->files->pairs[i];
	const struct cert_text_pair *current = &r->current->pairs[i];
	struct cert_text chain = {.bytes = NULL}, key = {.bytes = NULL};
	struct tls_pair pair;
	enum tls_status status;
	bool good = false;

	if (!watched_file_read(&files->chain, &chain, r->line, sizeof(r->line)) ||
	    !watched_file_read(&files->key, &key, r->line, sizeof(r->line))) {
		refuse(r, CERT_SLOT_PAIR + (unsigned)i);
		goto out;
	}
	good = cert_text_equal(&chain, &current->chain) && cert_text_equal(&key, &current->key);
	if (good) {
		accept(r, CERT_SLOT_PAIR + (unsigned)i);
		goto out;
	}
	pair = (struct tls_pair){.chain_pem = chain.bytes, .key_pem = key.bytes};
	status = tls_pair_check(&pair);
	if (status == TLS_OK) {
		status = tls_pair_check_dates(&pair);
		good = status == TLS_OK || r->any_date;
	}
	if (status != TLS_OK)
		refuse_pair(r, CERT_SLOT_PAIR + (unsigned)i, files, status);
	else
		accept(r, CERT_SLOT_PAIR + (unsigned)i);
	if (good) {
		r->fresh->pairs[i] = (struct cert_text_pair){.chain = chain, .key = key};
		chain = key = (struct cert_text){.bytes = NULL};
	}
out:
	cert_text_done(&chain);
	cert_text_done(&key);
	return good;
}

/* After its pair. What is served already is looked at too: it may have expired since. */
static void read_staple(struct reading *r, size_t i)
{
	struct watched_file *file = &r->files->pairs[i].staple;
	const unsigned slot = CERT_SLOT_STAPLE + (unsigned)i;
	struct cert_text staple = {.bytes = NULL};
	struct tls_pair pair = cert_texts_material(r->current, r->fresh).pairs[i];
	enum tls_status status;

	if (!file->path || !file->path[0] || !pair.chain_pem)
		return;
	if (!watched_file_read(file, &staple, r->line, sizeof(r->line))) {
		refuse(r, slot);
		return;
	}
	pair.ocsp_der = (const uint8_t *)staple.bytes;
	pair.ocsp_size = staple.size;
	status = tls_pair_check_staple(&pair);
	if (status != TLS_OK)
		refuse_for(r, slot, file, NULL, status);
	else
		accept(r, slot);
	/* One that tells of a revocation takes the place of the last one, which told of none, and is not sent. */
	if ((status == TLS_OK || status == TLS_STAPLE_REVOKED) &&
	    !cert_text_equal(&staple, &r->current->pairs[i].staple))
		r->fresh->pairs[i].staple = staple;
	else
		cert_text_done(&staple);
}

static bool read_clients(struct reading *r)
{
	struct watched_file *ca_file = &r->files->client_ca, *crl_file = &r->files->client_crl;
	struct cert_text ca = {.bytes = NULL}, crl = {.bytes = NULL};
	enum tls_status status;
	bool good = false;

	if (!ca_file->path[0])
		return true;
	if (!watched_file_read(ca_file, &ca, r->line, sizeof(r->line)) ||
	    (crl_file->path[0] && !watched_file_read(crl_file, &crl, r->line, sizeof(r->line)))) {
		refuse(r, CERT_SLOT_CLIENTS);
		goto out;
	}
	status = tls_clients_check(ca.bytes, crl.bytes);
	good = status == TLS_OK;
	if (!good) {
		refuse_for(r, CERT_SLOT_CLIENTS, status == TLS_CLIENT_CRL ? crl_file : ca_file, NULL, status);
		goto out;
	}
	accept(r, CERT_SLOT_CLIENTS);
	if (!cert_text_equal(&ca, &r->current->client_ca) || !cert_text_equal(&crl, &r->current->client_crl)) {
		r->fresh->client_ca = ca;
		r->fresh->client_crl = crl;
		ca = crl = (struct cert_text){.bytes = NULL};
	}
out:
	cert_text_done(&ca);
	cert_text_done(&crl);
	return good;
}

bool cert_files_read(struct cert_files *files, const struct cert_texts *current, bool any_date,
		     void (*judge)(void *arg, unsigned slot, const char *line), void *arg, struct cert_texts *ret_fresh)
{
	struct reading r = {.files = files,
			    .current = current,
			    .any_date = any_date,
			    .judge = judge,
			    .arg = arg,
			    .fresh = ret_fresh};
	bool good = true;

	*ret_fresh = (struct cert_texts){.pair_count = files->pair_count};
	for (size_t i = 0; i < files->pair_count; i++) {
		good = read_pair(&r, i) && good;
		read_staple(&r, i);
	}
	return read_clients(&r) && good;
}

void cert_files_judge_staples(struct cert_files *files, const struct cert_texts *current,
			      void (*judge)(void *arg, unsigned slot, const char *line), void *arg)
{
	const struct cert_texts none = {.pair_count = 0};
	const struct tls_material material = cert_texts_material(current, &none);
	struct reading r = {.files = files, .judge = judge, .arg = arg};

	for (size_t i = 0; i < files->pair_count; i++)
		if (material.pairs[i].ocsp_der && tls_pair_check_staple(&material.pairs[i]) == TLS_STAPLE_OLD)
			refuse_for(&r, CERT_SLOT_STAPLE + (unsigned)i, &files->pairs[i].staple, NULL, TLS_STAPLE_OLD);
}
