// Who is logged in. Fires 'change'. Lives as long as the page: a reload forgets it.

export class Session extends EventTarget {
  constructor(api) {
    super();
    this.api = api;
    this.clear();
  }

  clear() {
    this.account = null;
    this.kind = null;
    this.scopes = new Set();
    this.expires = null;
    this.api.token = null;
  }

  get token() { return this.api.token; }

  // need: null, 'login', or the name of a scope.
  has(need) {
    if (!need) return true;
    return this.account !== null && (need === 'login' || this.scopes.has(need));
  }

  // Asks the server whose this token is; throws ApiError when it is nobody's.
  async begin(token) {
    const { body } = await this.api.get('/v1/session', { token });
    this.api.token = token;
    this.account = body.account;
    this.kind = body.kind;
    this.scopes = new Set(body.scopes);
    this.expires = body.expires ? new Date(body.expires) : null;
    this.dispatchEvent(new Event('change'));
  }

  // Forgets it here; and at the server, when logging in gave it.
  async end() {
    const { token, kind } = this;
    this.clear();
    this.dispatchEvent(new Event('change'));
    if (token && kind === 'login') await this.api.del('/v1/login', { token });
  }

  // The server has refused the token.
  lost() {
    if (this.account === null) return;
    this.clear();
    this.dispatchEvent(new CustomEvent('change', { detail: 'lost' }));
  }
}
