// Requests to the server that this page came from. The token is in the memory of this page and nowhere else.

// What the server refused, or that it did not answer (status 0). slug: as in the problem document's type.
export class ApiError extends Error {
  constructor(status, problem = {}, retryAfter = null) {
    super(problem.detail || problem.title || `status ${status}`);
    this.name = 'ApiError';
    this.status = status;
    this.slug = (problem.type ?? '').replace(/^urn:coffer:problem:/, '');
    this.title = problem.title ?? '';
    this.detail = problem.detail ?? '';
    this.requestId = problem.request_id ?? '';
    this.retryAfter = retryAfter;
  }
}

function problemOf(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === 'object' ? value : {};
  } catch {
    return {};
  }
}

function aborted() {
  return new DOMException('aborted', 'AbortError');
}

export class Api {
  // unreachable: what to say when there is no answer. ended(): the token has stopped being good.
  constructor({ unreachable, ended }) {
    this.unreachable = unreachable;
    this.ended = ended;
    this.token = null;
  }

  get(path, options) { return this.ask('GET', path, undefined, options); }
  del(path, options) { return this.ask('DELETE', path, undefined, options); }
  post(path, body, options) { return this.ask('POST', path, body, options); }
  put(path, body, options) { return this.ask('PUT', path, body, options); }

  // body: a plain object goes as JSON; text, Blob and bytes as they are. as: 'json' (the default), 'text', 'bytes', or
  // 'response' (the caller reads it). token: another than the session's; null for none.
  // Answers {status, headers, body}, or throws ApiError, or AbortError when `signal` says so.
  async ask(method, path, body, { headers = {}, as = 'json', signal, token = this.token } = {}) {
    const fields = new Headers(headers);
    const plain = body !== null && typeof body === 'object' && Object.getPrototypeOf(body) === Object.prototype;
    if (plain) fields.set('Content-Type', 'application/json');
    if (token) fields.set('Authorization', `Bearer ${token}`);
    let response;
    try {
      response = await fetch(path, {
        method, headers: fields, body: plain ? JSON.stringify(body) : body, signal,
        cache: 'no-store', credentials: 'same-origin', redirect: 'error', referrerPolicy: 'no-referrer',
      });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new ApiError(0, { title: this.unreachable });
    }
    if (!response.ok) this.refuse(response.status, response.headers, await response.text(), token);
    const answer = { status: response.status, headers: response.headers, body: null };
    if (as === 'response') answer.body = response;
    else if (as === 'bytes') answer.body = new Uint8Array(await response.arrayBuffer());
    else if (as === 'text') answer.body = await response.text();
    else if (response.status !== 204) answer.body = await response.json();
    return answer;
  }

  // The same for a body whose progress is shown: progress(sent, total) in bytes. fetch() tells none.
  upload(method, path, body, { headers = {}, progress, signal } = {}) {
    const { token } = this;
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      if (signal?.aborted) { reject(aborted()); return; }
      signal?.addEventListener('abort', () => request.abort(), { once: true });
      request.open(method, path);
      for (const [name, value] of new Headers(headers)) request.setRequestHeader(name, value);
      if (token) request.setRequestHeader('Authorization', `Bearer ${token}`);
      if (progress) request.upload.onprogress = (event) => progress(event.loaded, event.total);
      request.onabort = () => reject(aborted());
      request.onerror = () => reject(new ApiError(0, { title: this.unreachable }));
      request.onload = () => {
        const fields = new Headers();
        for (const line of request.getAllResponseHeaders().trim().split(/[\r\n]+/)) {
          const at = line.indexOf(':');
          if (at > 0) fields.append(line.slice(0, at), line.slice(at + 1).trim());
        }
        try {
          if (request.status < 200 || request.status > 299) {
            this.refuse(request.status, fields, request.responseText, token);
          }
          const text = request.responseText;
          resolve({ status: request.status, headers: fields, body: text ? JSON.parse(text) : null });
        } catch (error) {
          reject(error);
        }
      };
      request.send(body);
    });
  }

  refuse(status, headers, text, token) {
    const seconds = Number(headers.get('Retry-After'));
    const error = new ApiError(status, problemOf(text), Number.isFinite(seconds) && seconds > 0 ? seconds : null);
    if (status === 401 && token && token === this.token) this.ended();
    throw error;
  }
}
