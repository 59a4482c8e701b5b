#include "server/http/proxies.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const uint8_t MAPPED[12] = {[10] = 0xff, [11] = 0xff};
static const char LOCAL[] = "unix";

static bool is_v4(const struct address *address)
{
	return memcmp(address->b, MAPPED, sizeof(MAPPED)) == 0;
}

static void map_v4(const void *v4, struct address *ret_address)
{
	memcpy(ret_address->b, MAPPED, sizeof(MAPPED));
	memcpy(ret_address->b + sizeof(MAPPED), v4, 4);
}

bool address_parse(const char *text, size_t size, struct address *ret_address)
{
	char copy[ADDRESS_TEXT];
	uint8_t v4[4];

	if (size >= sizeof(copy) || memchr(text, '\0', size))
		return false;
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (inet_pton(AF_INET6, copy, ret_address->b) == 1)
		return true;
	if (inet_pton(AF_INET, copy, v4) != 1)
		return false;
	map_v4(v4, ret_address);
	return true;
}

void address_print(const struct address *address, char ret_text[static ADDRESS_TEXT])
{
	const bool v4 = is_v4(address);

	/* It fits: neither family fails otherwise. */
	if (!inet_ntop(v4 ? AF_INET : AF_INET6, address->b + (v4 ? sizeof(MAPPED) : 0), ret_text, ADDRESS_TEXT))
		ret_text[0] = '\0';
}

bool address_is_loopback(const struct address *address)
{
	static const struct address V6 = {{[ADDRESS_SIZE - 1] = 1}};

	return is_v4(address) ? address->b[sizeof(MAPPED)] == 127 : memcmp(address->b, V6.b, ADDRESS_SIZE) == 0;
}

/* Whether the two are the same in their first bits. */
static bool same(const struct address *a, const struct address *b, unsigned bits)
{
	const size_t whole = bits / 8;
	const unsigned rest = bits % 8;

	return memcmp(a->b, b->b, whole) == 0 && (rest == 0 || ((a->b[whole] ^ b->b[whole]) >> (8 - rest)) == 0);
}

static bool zeros_behind(const struct address *address, unsigned bits)
{
	for (unsigned i = bits; i < 8 * ADDRESS_SIZE; i++)
		if (address->b[i / 8] & (0x80 >> (i % 8)))
			return false;
	return true;
}

/* Of an address of `most` bits; absent: all. */
static bool parse_bits(const char *text, size_t size, unsigned most, unsigned *ret_bits)
{
	unsigned bits = 0;

	if (size == 0 || size > 3 || (size > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		bits = bits * 10 + (unsigned)(text[i] - '0');
	}
	*ret_bits = bits;
	return bits <= most;
}

static bool add(struct proxies *proxies, const char *text, size_t size)
{
	const char *slash = memchr(text, '/', size);
	const size_t host = slash ? (size_t)(slash - text) : size;
	struct address address;
	unsigned bits, most;

	if (size == sizeof(LOCAL) - 1 && memcmp(text, LOCAL, size) == 0) {
		proxies->local = true;
		return true;
	}
	if (proxies->count == PROXIES_MAX || !address_parse(text, host, &address))
		return false;
	bits = most = memchr(text, ':', host) ? 128 : 32;
	if (slash && !parse_bits(slash + 1, size - host - 1, most, &bits))
		return false;
	bits += 128 - most;
	if (!zeros_behind(&address, bits))
		return false;
	proxies->networks[proxies->count].address = address;
	proxies->networks[proxies->count++].bits = bits;
	return true;
}

bool proxies_parse(const char *list, struct proxies *ret_proxies)
{
	struct proxies proxies = {.count = 0};

	while (list[0]) {
		const size_t size = strcspn(list, ",");

		if (!add(&proxies, list, size))
			return false;
		list += size;
		if (list[0] == ',' && *++list == '\0')
			return false;
	}
	*ret_proxies = proxies;
	return true;
}

bool proxies_have(const struct proxies *proxies, const struct address *address)
{
	for (size_t i = 0; i < proxies->count; i++)
		if (same(&proxies->networks[i].address, address, proxies->networks[i].bits))
			return true;
	return false;
}

bool proxies_have_peer(const struct proxies *proxies, const struct sockaddr_storage *peer)
{
	struct address address;

	if (peer->ss_family == AF_UNIX)
		return proxies->local;
	if (peer->ss_family == AF_INET6)
		memcpy(address.b, &((const struct sockaddr_in6 *)peer)->sin6_addr, sizeof(address.b));
	else
		map_v4(&((const struct sockaddr_in *)peer)->sin_addr, &address);
	return proxies_have(proxies, &address);
}
