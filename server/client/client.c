#include "server/client/client.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/secret.h"

enum { URL_MAX = 2048, DEFAULT_TIMEOUT_MS = 60000, CONNECT_TIMEOUT_MS = 10000 };

struct client {
	CURL *curl;
	char url[URL_MAX];
	char ca_file[4096];
	char *token;
	size_t token_size;
	long timeout_ms;
	char unix_path[108];	 /* "": none */
	struct curl_slist *dial; /* "::HOST:PORT", as curl has it; NULL: none */
	bool unverified, system_cas, plain;
	bool (*stop)(void);
	char error[CURL_ERROR_SIZE];
};

static bool fail(char *ret_error, size_t error_size, const char *what, const char *why)
{
	snprintf(ret_error, error_size, "%s: %s", what, why);
	return false;
}

/* "unix:/PATH", or "http://HOST:PORT". */
static bool take_plain(struct client *client, const char *url)
{
	if (strncmp(url, "unix:/", 6) == 0)
		return snprintf(client->unix_path, sizeof(client->unix_path), "%s", url + 5) <
			       (int)sizeof(client->unix_path) &&
		       snprintf(client->url, sizeof(client->url), "http://localhost") > 0;
	return strncmp(url, "http://", 7) == 0 && url[7] && !strpbrk(url + 7, "/@?#\\ ") &&
	       snprintf(client->url, sizeof(client->url), "%s", url) < (int)sizeof(client->url);
}

/* Whatever host and port the URL has, this one is dialled. */
static bool take_dial(struct client *client, const char *dial)
{
	char text[URL_MAX];

	if (!dial)
		return true;
	if (strncmp(dial, "https://", 8) != 0 || snprintf(text, sizeof(text), "::%s", dial + 8) >= (int)sizeof(text))
		return false;
	client->dial = curl_slist_append(NULL, text);
	return client->dial != NULL;
}

/* "https://HOST[:PORT]" with at most a slash behind it, which is dropped, as the default port is. */
static bool take_url(struct client *client, const char *url)
{
	static const char SCHEME[] = "https://", PORT[] = ":443";
	const size_t scheme = sizeof(SCHEME) - 1, port = sizeof(PORT) - 1;
	size_t size = strlen(url);

	if (strncasecmp(url, SCHEME, scheme) != 0 || size >= sizeof(client->url))
		return false;
	if (url[size - 1] == '/')
		size--;
	if (size <= scheme || strpbrk(url + scheme, "@?#\\ ") || memchr(url + scheme, '/', size - scheme))
		return false;
	if (size > scheme + port && memcmp(url + size - port, PORT, port) == 0)
		size -= port;
	for (size_t i = 0; i < size; i++)
		client->url[i] = (char)tolower((unsigned char)url[i]);
	client->url[size] = '\0';
	return true;
}

const char *client_origin(const struct client *client)
{
	return client->url;
}

bool client_set_token(struct client *client, const char *token, char *ret_error, size_t error_size)
{
	if (client->token)
		secret_free(client->token, client->token_size);
	client->token = NULL;
	if (!token)
		return true;
	client->token_size = strlen(token) + 1;
	client->token = secret_alloc(client->token_size);
	if (!client->token)
		return fail(ret_error, error_size, "the token", "no memory that can be locked (RLIMIT_MEMLOCK)");
	memcpy(client->token, token, client->token_size);
	return true;
}

bool client_new(const struct client_options *options, struct client **ret_client, char *ret_error, size_t error_size)
{
	struct client *client = calloc(1, sizeof(*client));
	bool good = false;

	if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(client->curl = curl_easy_init())) {
		fail(ret_error, error_size, "cannot start a request", "out of memory");
		goto out;
	}
	if (!take_dial(client, options->dial) ||
	    (!take_url(client, options->url) &&
	     !(options->plain && !options->token && take_plain(client, options->url)))) {
		fail(ret_error, error_size, options->url, "a server is named as https://HOST:PORT");
		goto out;
	}
	if (options->ca_file && snprintf(client->ca_file, sizeof(client->ca_file), "%s", options->ca_file) >=
					(int)sizeof(client->ca_file)) {
		fail(ret_error, error_size, "the CA's file", "its path is too long");
		goto out;
	}
	if (!client_set_token(client, options->token, ret_error, error_size))
		goto out;
	client->unverified = options->unverified;
	client->system_cas = options->system_cas;
	client->plain = options->plain;
	client->stop = options->stop;
	client->timeout_ms = options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
	*ret_client = client;
	client = NULL;
	good = true;
out:
	client_free(client);
	return good;
}

/* What is allocated for so many bytes and a terminator: it doubles, so that a long reply is not copied over and over.
 */
static size_t room_for(size_t size)
{
	size_t room = 4096;

	while (room < size + 1)
		room *= 2;
	return room;
}

/* Appends, within CLIENT_REPLY_MAX; what is outgrown is wiped, for a reply may hold a token. */
static bool append(char **text, size_t *used, const char *bytes, size_t size)
{
	char *grown = *text;

	if (size > CLIENT_REPLY_MAX - *used)
		return false;
	if (!grown || room_for(*used) < room_for(*used + size)) {
		grown = malloc(room_for(*used + size));
		if (!grown)
			return false;
		if (*text) {
			memcpy(grown, *text, *used);
			secret_wipe(*text, *used);
		}
		free(*text);
		*text = grown;
	}
	memcpy(grown + *used, bytes, size);
	*used += size;
	grown[*used] = '\0';
	return true;
}

static size_t collect(char *bytes, size_t one, size_t count, void *arg)
{
	struct client_reply *reply = arg;

	return append(&reply->body, &reply->size, bytes, one * count) ? one * count : 0;
}

static size_t collect_header(char *bytes, size_t one, size_t count, void *arg)
{
	struct client_reply *reply = arg;

	return append(&reply->headers, &reply->headers_size, bytes, one * count) ? one * count : 0;
}

bool client_reply_header(const struct client_reply *reply, const char *name, char *ret_value, size_t room)
{
	const size_t size = strlen(name);
	const char *line = reply->headers ? reply->headers : "";

	ret_value[0] = '\0';
	for (; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *value = line + size + 1;
		size_t length;

		if (strncasecmp(line, name, size) != 0 || line[size] != ':')
			continue;
		value += strspn(value, " \t");
		length = strcspn(value, "\r\n");
		if (ret_value[0] || length >= room)
			return false;
		memcpy(ret_value, value, length);
		ret_value[length] = '\0';
	}
	return true;
}

void client_reply_done(struct client_reply *reply)
{
	if (reply->body)
		secret_wipe(reply->body, reply->size);
	free(reply->body);
	free(reply->headers);
	*reply = (struct client_reply){0};
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct client *client = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return client->stop();
}

static CURLcode prepare(struct client *client, const struct client_request *request, const char *url,
			struct curl_slist *headers, struct client_reply *reply)
{
	CURL *c = client->curl;
	CURLcode code = CURLE_OK;

	curl_easy_reset(c);
#define SET(option, value)                                         \
	do {                                                       \
		if (code == CURLE_OK)                              \
			code = curl_easy_setopt(c, option, value); \
	} while (0)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, client->plain ? "https,http" : "https");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
	SET(CURLOPT_ERRORBUFFER, client->error);
	SET(CURLOPT_TIMEOUT_MS, request->timeout_ms ? request->timeout_ms : client->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	SET(CURLOPT_CUSTOMREQUEST, request->method);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_WRITEFUNCTION, collect);
	SET(CURLOPT_WRITEDATA, reply);
	SET(CURLOPT_HEADERFUNCTION, collect_header);
	SET(CURLOPT_HEADERDATA, reply);
	if (client->unverified) {
		SET(CURLOPT_SSL_VERIFYPEER, 0L);
		SET(CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (client->stop) {
		SET(CURLOPT_XFERINFOFUNCTION, on_progress);
		SET(CURLOPT_XFERINFODATA, client);
		SET(CURLOPT_NOPROGRESS, 0L);
	}
	if (client->ca_file[0])
		SET(CURLOPT_CAINFO, client->ca_file);
	if (client->ca_file[0] && !client->system_cas)
		SET(CURLOPT_CAPATH, NULL);
	if (client->unix_path[0])
		SET(CURLOPT_UNIX_SOCKET_PATH, client->unix_path);
	if (client->dial)
		SET(CURLOPT_CONNECT_TO, client->dial);
	if (client->token) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		SET(CURLOPT_XOAUTH2_BEARER, client->token);
	}
	if (request->media_type || strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->size);
		SET(CURLOPT_POSTFIELDS, request->body ? request->body : "");
	}
#undef SET
	return code;
}

static const char *advice(CURLcode code, const struct client *client)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return "nobody answers there: is the server running, and is this its address?";
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return "its certificate is not trusted: name its CA's file";
	case CURLE_ABORTED_BY_CALLBACK:
		return "given up";
	case CURLE_OPERATION_TIMEDOUT:
		return "it did not answer in time";
	default:
		return client->error[0] ? client->error : curl_easy_strerror(code);
	}
}

/* NULL when memory runs out. */
static struct curl_slist *make_headers(const struct client_request *request)
{
	struct curl_slist *headers = NULL;
	char type[300];

	snprintf(type, sizeof(type), "Content-Type:%s%s", request->media_type ? " " : "",
		 request->media_type ? request->media_type : "");
	for (size_t i = 0; i == 0 || headers; i++) {
		const char *const own[] = {type, "Expect:"};
		const char *line = i < 2 ? own[i] : request->headers ? request->headers[i - 2] : NULL;
		struct curl_slist *more = line ? curl_slist_append(headers, line) : NULL;

		if (!line)
			break;
		if (!more)
			curl_slist_free_all(headers);
		headers = more;
	}
	return headers;
}

bool client_send(struct client *client, const struct client_request *request, struct client_reply *ret_reply,
		 char *ret_error, size_t error_size)
{
	struct client_reply reply = {0};
	struct curl_slist *headers;
	char url[URL_MAX + 1024];
	CURLcode code;

	if (snprintf(url, sizeof(url), "%s%s", client->url, request->path) >= (int)sizeof(url))
		return fail(ret_error, error_size, client->url, "the path is too long");
	headers = make_headers(request);
	if (!headers || !append(&reply.body, &reply.size, "", 0)) {
		curl_slist_free_all(headers);
		return fail(ret_error, error_size, client->url, "out of memory");
	}
	client->error[0] = '\0';
	code = prepare(client, request, url, headers, &reply);
	if (code == CURLE_OK)
		code = curl_easy_perform(client->curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply.status);
	curl_slist_free_all(headers);
	if (code != CURLE_OK) {
		client_reply_done(&reply);
		return fail(ret_error, error_size, client->url, advice(code, client));
	}
	*ret_reply = reply;
	return true;
}

void client_free(struct client *client)
{
	if (!client)
		return;
	if (client->curl)
		curl_easy_cleanup(client->curl);
	curl_slist_free_all(client->dial);
	if (client->token)
		secret_free(client->token, client->token_size);
	free(client);
}

void client_library(char ret_built[static 32], char ret_runs[static 32])
{
	snprintf(ret_built, 32, "%s", LIBCURL_VERSION);
	snprintf(ret_runs, 32, "%s", curl_version_info(CURLVERSION_NOW)->version);
}
