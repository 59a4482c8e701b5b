/* The contract, api-spec/openapi.yaml, as the JSON that GET /openapi.json answers. The build generates the definition.
 */
#ifndef COFFER_API_OPENAPI_DOCUMENT_H
#define COFFER_API_OPENAPI_DOCUMENT_H

#include <stddef.h>

/* UTF-8, compact, not terminated by a zero. */
extern const unsigned char openapi_document[];
extern const size_t openapi_document_size;

#endif
