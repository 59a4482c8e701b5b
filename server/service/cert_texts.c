#include "server/service/cert_texts.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

bool cert_text_alloc(size_t size, bool secret, struct cert_text *ret_text)
{
	char *bytes = secret ? secret_alloc(size + 1) : calloc(1, size + 1);

	if (!bytes)
		return false;
	*ret_text = (struct cert_text){.bytes = bytes, .size = size, .secret = secret};
	return true;
}

bool cert_text_copy(const char *text, bool secret, struct cert_text *ret_text)
{
	if (!cert_text_alloc(strlen(text), secret, ret_text))
		return false;
	memcpy(ret_text->bytes, text, ret_text->size);
	return true;
}

bool cert_text_equal(const struct cert_text *a, const struct cert_text *b)
{
	if (!a->bytes || !b->bytes)
		return !a->bytes && !b->bytes;
	return a->size == b->size && secret_equal(a->bytes, b->bytes, a->size);
}

void cert_text_done(struct cert_text *text)
{
	if (text->secret)
		secret_free(text->bytes, text->size + 1);
	else
		free(text->bytes);
	*text = (struct cert_text){.bytes = NULL};
}

static const struct cert_text *newer(const struct cert_text *current, const struct cert_text *fresh)
{
	return fresh->bytes ? fresh : current;
}

struct tls_material cert_texts_material(const struct cert_texts *current, const struct cert_texts *fresh)
{
	struct tls_material material = {
		.pair_count = fresh->pair_count ? fresh->pair_count : current->pair_count,
		.client_ca_pem = newer(&current->client_ca, &fresh->client_ca)->bytes,
		.client_crl_pem = newer(&current->client_crl, &fresh->client_crl)->bytes,
	};

	for (size_t i = 0; i < material.pair_count; i++) {
		const struct cert_text_pair *old = &current->pairs[i], *new = &fresh->pairs[i];
		const struct cert_text *staple = newer(&old->staple, &new->staple);

		material.pairs[i] = (struct tls_pair){
			.chain_pem = newer(&old->chain, &new->chain)->bytes,
			.key_pem = newer(&old->key, &new->key)->bytes,
			.ocsp_der = (const uint8_t *)staple->bytes,
			.ocsp_size = staple->size,
		};
	}
	return material;
}

static void move(struct cert_text *to, struct cert_text *from)
{
	if (!from->bytes)
		return;
	cert_text_done(to);
	*to = *from;
	*from = (struct cert_text){.bytes = NULL};
}

void cert_texts_move(struct cert_texts *current, struct cert_texts *fresh)
{
	for (size_t i = 0; i < TLS_PAIRS_MAX; i++) {
		move(&current->pairs[i].chain, &fresh->pairs[i].chain);
		move(&current->pairs[i].key, &fresh->pairs[i].key);
		move(&current->pairs[i].staple, &fresh->pairs[i].staple);
	}
	if (fresh->pair_count)
		current->pair_count = fresh->pair_count;
	move(&current->client_ca, &fresh->client_ca);
	move(&current->client_crl, &fresh->client_crl);
}

void cert_texts_done(struct cert_texts *texts)
{
	for (size_t i = 0; i < TLS_PAIRS_MAX; i++) {
		cert_text_done(&texts->pairs[i].chain);
		cert_text_done(&texts->pairs[i].key);
		cert_text_done(&texts->pairs[i].staple);
	}
	cert_text_done(&texts->client_ca);
	cert_text_done(&texts->client_crl);
	texts->pair_count = 0;
}
