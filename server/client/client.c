#include "server/client/client.h"

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
	char error[CURL_ERROR_SIZE];
};

static bool fail(char *ret_error, size_t error_size, const char *what, const char *why)
{
	snprintf(ret_error, error_size, "%s: %s", what, why);
	return false;
}

/* "https://HOST[:PORT]" with at most a slash behind it, which is dropped. */
static bool take_url(struct client *client, const char *url)
{
	static const char SCHEME[] = "https://";
	size_t size = strlen(url);

	if (strncasecmp(url, SCHEME, sizeof(SCHEME) - 1) != 0 || size >= sizeof(client->url))
		return false;
	if (url[size - 1] == '/')
		size--;
	if (size <= sizeof(SCHEME) - 1 || memchr(url + sizeof(SCHEME) - 1, '/', size - (sizeof(SCHEME) - 1)))
		return false;
	memcpy(client->url, url, size);
	client->url[size] = '\0';
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
	if (!take_url(client, options->url)) {
		fail(ret_error, error_size, options->url, "a server is named as https://HOST:PORT");
		goto out;
	}
	if (options->ca_file && snprintf(client->ca_file, sizeof(client->ca_file), "%s", options->ca_file) >=
					(int)sizeof(client->ca_file)) {
		fail(ret_error, error_size, "the CA's file", "its path is too long");
		goto out;
	}
	if (options->token) {
		client->token_size = strlen(options->token) + 1;
		client->token = secret_alloc(client->token_size);
		if (!client->token) {
			fail(ret_error, error_size, "the token", "no memory that can be locked (RLIMIT_MEMLOCK)");
			goto out;
		}
		memcpy(client->token, options->token, client->token_size);
	}
	client->timeout_ms = options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
	*ret_client = client;
	client = NULL;
	good = true;
out:
	client_free(client);
	return good;
}

static size_t collect(char *bytes, size_t one, size_t count, void *arg)
{
	struct client_reply *reply = arg;
	const size_t size = one * count;
	char *grown;

	if (size > CLIENT_REPLY_MAX - reply->size)
		return 0;
	grown = realloc(reply->body, reply->size + size + 1);
	if (!grown)
		return 0;
	reply->body = grown;
	memcpy(grown + reply->size, bytes, size);
	reply->size += size;
	grown[reply->size] = '\0';
	return size;
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
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
	SET(CURLOPT_ERRORBUFFER, client->error);
	SET(CURLOPT_TIMEOUT_MS, client->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	SET(CURLOPT_CUSTOMREQUEST, request->method);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_WRITEFUNCTION, collect);
	SET(CURLOPT_WRITEDATA, reply);
	if (client->ca_file[0]) {
		SET(CURLOPT_CAINFO, client->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
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
	case CURLE_OPERATION_TIMEDOUT:
		return "it did not answer in time";
	default:
		return client->error[0] ? client->error : curl_easy_strerror(code);
	}
}

bool client_send(struct client *client, const struct client_request *request, struct client_reply *ret_reply,
		 char *ret_error, size_t error_size)
{
	struct client_reply reply = {0};
	struct curl_slist *headers = NULL, *more;
	char url[URL_MAX + 1024];
	char type[300];
	CURLcode code;

	if (snprintf(url, sizeof(url), "%s%s", client->url, request->path) >= (int)sizeof(url))
		return fail(ret_error, error_size, client->url, "the path is too long");
	snprintf(type, sizeof(type), "Content-Type:%s%s", request->media_type ? " " : "",
		 request->media_type ? request->media_type : "");
	headers = curl_slist_append(NULL, type);
	more = headers ? curl_slist_append(headers, "Expect:") : NULL;
	if (!more) {
		curl_slist_free_all(headers);
		return fail(ret_error, error_size, client->url, "out of memory");
	}
	client->error[0] = '\0';
	code = prepare(client, request, url, more, &reply);
	if (code == CURLE_OK)
		code = curl_easy_perform(client->curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply.status);
	curl_slist_free_all(more);
	if (code != CURLE_OK) {
		free(reply.body);
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
	if (client->token)
		secret_free(client->token, client->token_size);
	free(client);
}
