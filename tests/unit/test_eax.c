#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <nettle/eax.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/eax.h"
#include "tests/unit/support/testdata.h"

enum { LARGEST = 20000 }; /* some pieces of the CBC-MAC, and an odd end */

struct vector {
	struct testdata_bytes key, nonce, header, plaintext, ciphertext, tag;
};

static void vector_done(struct vector *v)
{
	free(v->key.b);
	free(v->nonce.b);
	free(v->header.b);
	free(v->plaintext.b);
	free(v->ciphertext.b);
	free(v->tag.b);
}

/* A valid vector must seal to its ciphertext and open to its plaintext; an invalid one must not open. */
static void check(const struct vector *v, bool valid, const char *name)
{
	struct eax_key *key = NULL;
	struct eax_header header;
	uint8_t tag[EAX_TAG_SIZE];
	uint8_t *out = malloc(v->ciphertext.size + 1);

	cr_assert_eq(eax_key_new(v->key.b, v->key.size, &key), CRYPTO_OK);
	cr_assert_eq(v->tag.size, EAX_TAG_SIZE);
	eax_header_init(key, v->header.b, v->header.size, &header);
	memset(out, 0xa5, v->ciphertext.size + 1);
	enum crypto_status status =
		eax_open(key, &header, v->nonce.b, v->nonce.size, v->tag.b, v->ciphertext.b, v->ciphertext.size, out);
	cr_assert_eq(status, valid ? CRYPTO_OK : CRYPTO_AUTH, "%s", name);
	if (valid) {
		cr_assert(memcmp(out, v->plaintext.b, v->plaintext.size) == 0, "%s", name);
		eax_seal(key, &header, v->nonce.b, v->nonce.size, v->plaintext.b, v->plaintext.size, tag, out);
		cr_assert(memcmp(out, v->ciphertext.b, v->ciphertext.size) == 0, "%s", name);
		cr_assert(memcmp(tag, v->tag.b, sizeof(tag)) == 0, "%s", name);
	}
	for (size_t i = valid ? v->ciphertext.size : 0; i <= v->ciphertext.size; i++)
		cr_assert_eq(out[i], 0xa5, "%s: output touched", name);
	eax_key_free(key);
	free(out);
}

Test(eax, wycheproof)
{
	char *path = testdata_path(COFFER_SOURCE_DIR, "wycheproof/aes_eax_test.json");
	if (!path)
		cr_skip_test("no Wycheproof data");
	cJSON *json = testdata_json(path);
	cJSON *group, *test;
	int count = 0;

	cr_assert_not_null(json);
	cJSON_ArrayForEach(group, cJSON_GetObjectItem(json, "testGroups"))
	{
		cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests"))
		{
			struct vector v = {testdata_hex(test, "key"), testdata_hex(test, "iv"),
					   testdata_hex(test, "aad"), testdata_hex(test, "msg"),
					   testdata_hex(test, "ct"),  testdata_hex(test, "tag")};
			char name[32];
			snprintf(name, sizeof(name), "tcId %d", cJSON_GetObjectItem(test, "tcId")->valueint);
			check(&v, strcmp(testdata_text(test, "result"), "valid") == 0, name);
			vector_done(&v);
			count++;
		}
	}
	cr_assert_eq(count, cJSON_GetObjectItem(json, "numberOfTests")->valueint);
	cr_assert_eq(count, 240);
	cJSON_Delete(json);
	free(path);
}

/* The rest of a line after "name: ", or NULL. */
static char *field(char *line, const char *name)
{
	size_t length = strlen(name);
	if (strncmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	line += length + 1;
	line += strspn(line, " ");
	line[strcspn(line, " \r\n")] = '\0';
	return line;
}

Test(eax, the_papers_vectors)
{
	char *path = testdata_path(COFFER_SOURCE_DIR, "eax/cryptopp_eax.txt");
	if (!path)
		cr_skip_test("no vectors of the paper");
	FILE *file = fopen(path, "r");
	char line[4096];
	struct vector v = {0};
	int count = 0;

	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *value;
		if ((value = field(line, "Plaintext"))) {
			v.plaintext = testdata_unhex(value);
		} else if ((value = field(line, "Key"))) {
			v.key = testdata_unhex(value);
		} else if ((value = field(line, "IV"))) {
			v.nonce = testdata_unhex(value);
		} else if ((value = field(line, "Header"))) {
			v.header = testdata_unhex(value);
		} else if ((value = field(line, "Ciphertext"))) {
			v.ciphertext = testdata_unhex(value);
		} else if ((value = field(line, "Test"))) {
			cr_assert_eq(v.ciphertext.size, v.plaintext.size + EAX_TAG_SIZE);
			v.ciphertext.size -= EAX_TAG_SIZE;
			v.tag = (struct testdata_bytes){malloc(EAX_TAG_SIZE), EAX_TAG_SIZE};
			memcpy(v.tag.b, v.ciphertext.b + v.ciphertext.size, EAX_TAG_SIZE);
			check(&v, strcmp(value, "Encrypt") == 0, "paper");
			vector_done(&v);
			v = (struct vector){0};
			count++;
		}
	}
	cr_assert_eq(count, 12); /* the last is one that must not verify */
	vector_done(&v);
	fclose(file);
	free(path);
}

static void fill(uint8_t *bytes, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
}

/* Nettle's own EAX has 128-bit keys only; that is one third of what is composed here. */
Test(eax, agrees_with_nettles_eax_at_many_sizes)
{
	uint8_t key_bytes[16], nonce[16], *plain = malloc(LARGEST), *ours = malloc(LARGEST), *theirs = malloc(LARGEST);
	uint8_t our_tag[16], their_tag[16];
	struct eax_aes128_ctx nettle;
	struct eax_header header;
	struct eax_key *key;

	fill(plain, LARGEST, 1);
	fill(key_bytes, 16, 2);
	fill(nonce, 16, 3);
	cr_assert_eq(eax_key_new(key_bytes, 16, &key), CRYPTO_OK);
	eax_aes128_set_key(&nettle, key_bytes);
	for (size_t size = 0; size <= LARGEST; size = size < 70 ? size + 1 : size * 3 / 2 + 7) {
		eax_header_init(key, plain, size, &header);
		eax_seal(key, &header, nonce, size % 17, plain, size, our_tag, ours);
		eax_aes128_set_nonce(&nettle, size % 17, nonce);
		eax_aes128_update(&nettle, size, plain);
		eax_aes128_encrypt(&nettle, size, theirs, plain);
		eax_aes128_digest(&nettle, 16, their_tag);
		cr_assert(memcmp(ours, theirs, size) == 0 && memcmp(our_tag, their_tag, 16) == 0, "size %zu", size);
	}
	eax_key_free(key);
	free(plain);
	free(ours);
	free(theirs);
}

Test(eax, works_in_place)
{
	uint8_t key_bytes[32] = {5}, plain[5000], bytes[5000], apart[5000], tag[16], tag_apart[16];
	struct eax_header header;
	struct eax_key *key;

	fill(plain, sizeof(plain), 4);
	memcpy(bytes, plain, sizeof(plain));
	cr_assert_eq(eax_key_new(key_bytes, 32, &key), CRYPTO_OK);
	eax_header_init(key, "h", 1, &header);
	eax_seal(key, &header, "nonce", 5, plain, sizeof(plain), tag_apart, apart);
	eax_seal(key, &header, "nonce", 5, bytes, sizeof(bytes), tag, bytes);
	cr_assert_arr_eq(bytes, apart, sizeof(bytes));
	cr_assert_arr_eq(tag, tag_apart, sizeof(tag));
	cr_assert_eq(eax_open(key, &header, "nonce", 5, tag, bytes, sizeof(bytes), bytes), CRYPTO_OK);
	cr_assert_arr_eq(bytes, plain, sizeof(bytes));
	eax_key_free(key);
}

Test(eax, refuses_other_key_sizes)
{
	uint8_t bytes[64] = {0};
	struct eax_key *key = NULL;

	for (size_t size = 0; size <= sizeof(bytes); size++) {
		enum crypto_status status = eax_key_new(bytes, size, &key);
		cr_assert_eq(status, size == 16 || size == 24 || size == 32 ? CRYPTO_OK : CRYPTO_KEY);
		if (status == CRYPTO_OK)
			eax_key_free(key);
	}
	eax_key_free(NULL);
}
