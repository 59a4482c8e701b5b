#include "server/http/forwarded.h"

#include <string.h>
#include <strings.h>

#include "server/http/field.h"

static const char *const NAMES[] = {
	[FORWARDED_FOR] = "X-Forwarded-For",
	[FORWARDED_PROTO] = "X-Forwarded-Proto",
	[FORWARDED_HOST] = "X-Forwarded-Host",
	[FORWARDED_RFC7239] = "Forwarded",
};
_Static_assert(sizeof(NAMES) / sizeof(NAMES[0]) == FORWARDED_FIELDS, "each field has a name");

/* One proxy's word about whom it got the request from. */
struct hop {
	bool known; /* else the proxy does not know, or does not tell, the address */
	struct address address;
	enum forwarded_scheme scheme;
	char host[FORWARDED_HOST_MAX + 1];
};

struct text {
	const char *at;
	size_t size;
};

static bool is(struct text text, const char *word)
{
	return text.size == strlen(word) && strncasecmp(text.at, word, text.size) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text trim(struct text text)
{
	for (; text.size && is_blank(text.at[0]); text.at++)
		text.size--;
	while (text.size && is_blank(text.at[text.size - 1]))
		text.size--;
	return text;
}

static bool is_port(struct text text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	return text.size > 0 && text.size <= 5;
}

/* "_hidden" (RFC 7239 §6.3) */
static bool is_obfuscated(struct text text)
{
	return text.size > 1 && text.at[0] == '_' && field_is_only(text.at + 1, text.size - 1, "._-");
}

/* Node and port of one hop; a bare IPv6 address has no port, though X-Forwarded-For writes it without brackets. */
static bool split_node(struct text text, bool bare_v6, struct text *ret_node, struct text *ret_port)
{
	const char *colon = text.size ? memchr(text.at, ':', text.size) : NULL;
	const char *end;

	*ret_port = (struct text){NULL, 0};
	if (text.size && text.at[0] == '[') {
		end = memchr(text.at, ']', text.size);
		if (!end || !colon || colon > end)
			return false;
		*ret_node = (struct text){text.at + 1, (size_t)(end - text.at) - 1};
		if (end + 1 == text.at + text.size)
			return true;
		colon = end + 1;
		if (*colon != ':')
			return false;
	} else if (!colon || (bare_v6 && memchr(colon + 1, ':', text.size - (size_t)(colon + 1 - text.at)))) {
		*ret_node = text;
		return bare_v6 || !colon;
	} else {
		*ret_node = (struct text){text.at, (size_t)(colon - text.at)};
	}
	*ret_port = (struct text){colon + 1, text.size - (size_t)(colon + 1 - text.at)};
	return true;
}

static bool parse_node(struct text text, bool bare_v6, struct hop *hop)
{
	struct text node, port;

	if (!split_node(text, bare_v6, &node, &port))
		return false;
	if (port.at && !is_port(port) && !is_obfuscated(port))
		return false;
	hop->known = address_parse(node.at, node.size, &hop->address);
	if (hop->known) /* in brackets stands nothing but IPv6 */
		return text.at[0] != '[' || memchr(node.at, ':', node.size);
	return text.at[0] != '[' && (is(node, "unknown") || is_obfuscated(node));
}

static bool parse_scheme(struct text text, enum forwarded_scheme *ret_scheme)
{
	if (is(text, "https"))
		*ret_scheme = FORWARDED_HTTPS;
	else if (is(text, "http"))
		*ret_scheme = FORWARDED_HTTP;
	else
		return false;
	return true;
}

static bool parse_host(struct text text, char ret_host[static FORWARDED_HOST_MAX + 1])
{
	if (text.size == 0 || text.size > FORWARDED_HOST_MAX || !field_is_host(text.at, text.size))
		return false;
	memcpy(ret_host, text.at, text.size);
	ret_host[text.size] = '\0';
	return true;
}

/*
 * The right-most hop that is no trusted proxy, or else the left-most: so, going from left to right, the first, and then
 * each that is not trusted. Where a hop does not know its own, the next trusted one to the right is the nearest
 * address.
 */
static void take_hop(struct forwarded *f, const struct hop *hop)
{
	const bool trusted = hop->known && proxies_have(f->proxies, &hop->address);

	if (f->begun && trusted) {
		if (!f->client[0])
			address_print(&hop->address, f->client);
		return;
	}
	f->begun = true;
	f->client[0] = '\0';
	if (hop->known)
		address_print(&hop->address, f->client);
	if (f->seen[FORWARDED_RFC7239]) {
		f->scheme = hop->scheme;
		memcpy(f->host, hop->host, sizeof(f->host));
	}
}

/* ---- X-Forwarded-For ---- */

static bool add_for(struct forwarded *f, struct text left)
{
	for (;;) {
		const char *comma = left.size ? memchr(left.at, ',', left.size) : NULL;
		const struct text one = {left.at, comma ? (size_t)(comma - left.at) : left.size};
		struct hop hop = {.known = false};

		if (!parse_node(trim(one), true, &hop))
			return false;
		take_hop(f, &hop);
		if (!comma)
			return true;
		left = (struct text){comma + 1, left.size - one.size - 1};
	}
}

/* ---- Forwarded (RFC 7239 §4) ---- */

enum { PARAMETER_MAX = FORWARDED_HOST_MAX };

struct parameter {
	struct text name;
	char value[PARAMETER_MAX];
	size_t size;
};

static bool take_char(struct text *left, char *ret_c)
{
	if (!left->size)
		return false;
	*ret_c = *left->at++;
	left->size--;
	return true;
}

static bool put(struct parameter *parameter, char c)
{
	if (parameter->size == PARAMETER_MAX)
		return false;
	parameter->value[parameter->size++] = c;
	return true;
}

static struct text take_token(struct text *left)
{
	size_t size = 0;

	while (size < left->size && field_is_token(left->at + size, 1))
		size++;
	left->at += size;
	left->size -= size;
	return (struct text){left->at - size, size};
}

/* After the opening quote, to behind the closing one. */
static bool take_quoted(struct text *left, struct parameter *parameter)
{
	char c;

	while (take_char(left, &c)) {
		if (c == '"')
			return true;
		if (c == '\\' && !take_char(left, &c))
			return false;
		if (!put(parameter, c))
			return false;
	}
	return false;
}

static bool take_parameter(struct text *left, struct parameter *ret_parameter)
{
	struct text value;
	char c;

	ret_parameter->size = 0;
	ret_parameter->name = take_token(left);
	if (!ret_parameter->name.size || !take_char(left, &c) || c != '=')
		return false;
	if (left->size && left->at[0] == '"') {
		take_char(left, &c);
		return take_quoted(left, ret_parameter);
	}
	value = take_token(left);
	for (size_t i = 0; i < value.size; i++)
		if (!put(ret_parameter, value.at[i]))
			return false;
	return value.size > 0;
}

/* Those of an element, of which each may come once. */
enum { SAYS_FOR = 1, SAYS_BY = 2, SAYS_PROTO = 4, SAYS_HOST = 8 };

static bool read_parameter(const struct parameter *parameter, struct hop *hop, unsigned *said)
{
	const struct text value = {parameter->value, parameter->size};
	struct hop by;
	unsigned says = 0;
	bool good = true;

	if (is(parameter->name, "for")) {
		says = SAYS_FOR;
		good = parse_node(value, false, hop);
	} else if (is(parameter->name, "by")) {
		says = SAYS_BY;
		good = parse_node(value, false, &by);
	} else if (is(parameter->name, "proto")) {
		says = SAYS_PROTO;
		good = parse_scheme(value, &hop->scheme);
	} else if (is(parameter->name, "host")) {
		says = SAYS_HOST;
		good = parse_host(value, hop->host);
	}
	good = good && !(*said & says);
	*said |= says;
	return good;
}

/* One element, up to the comma or the end. */
static bool take_element(struct text *left, struct hop *ret_hop)
{
	struct parameter parameter;
	unsigned said = 0;

	*ret_hop = (struct hop){.known = false};
	while (take_parameter(left, &parameter)) {
		if (!read_parameter(&parameter, ret_hop, &said))
			return false;
		if (!left->size || left->at[0] != ';')
			return true;
		left->at++;
		left->size--;
	}
	return false;
}

static bool add_rfc7239(struct forwarded *f, struct text left)
{
	for (;;) {
		struct hop hop;
		char c;

		left = trim(left);
		if (!take_element(&left, &hop))
			return false;
		take_hop(f, &hop);
		left = trim(left);
		if (!left.size)
			return true;
		if (!take_char(&left, &c) || c != ',')
			return false;
	}
}

/* ---- all four ---- */

bool forwarded_names(const char *name, enum forwarded_field *ret_field)
{
	for (size_t i = 0; i < FORWARDED_FIELDS; i++) {
		if (strcasecmp(name, NAMES[i]) != 0)
			continue;
		*ret_field = (enum forwarded_field)i;
		return true;
	}
	return false;
}

void forwarded_begin(struct forwarded *f, const struct proxies *proxies)
{
	*f = (struct forwarded){.proxies = proxies};
}

static bool mixes(const struct forwarded *f)
{
	return f->seen[FORWARDED_RFC7239] &&
	       (f->seen[FORWARDED_FOR] || f->seen[FORWARDED_PROTO] || f->seen[FORWARDED_HOST]);
}

bool forwarded_add(struct forwarded *f, enum forwarded_field field, const char *value, size_t size)
{
	const struct text text = trim((struct text){value, size});
	const bool again = f->seen[field];
	bool good = false;

	f->seen[field] = true;
	switch (field) {
	case FORWARDED_FOR:
		good = add_for(f, text);
		break;
	case FORWARDED_RFC7239:
		good = add_rfc7239(f, text);
		break;
	case FORWARDED_PROTO:
		good = !again && parse_scheme(text, &f->scheme);
		break;
	case FORWARDED_HOST:
		good = !again && parse_host(text, f->host);
		break;
	case FORWARDED_FIELDS:
		break;
	}
	f->malformed = f->malformed || !good || mixes(f);
	return !f->malformed;
}
