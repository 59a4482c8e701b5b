// The page: what every view shares, the frame around them, and the router over the part of the address after #.
//
// A view is a module in views/ that exports `title` (text, or a function of params), and `render(root, app, params)`,
// which may be async, and may return a function that is called when the view goes. Its line in VIEWS says at which path
// it is (":name" is a parameter), what it needs (null, 'login', or a scope), and by which word the menu calls it, if it
// does. params holds the parameters, and `query`, the URLSearchParams behind a "?".
import { Api, ApiError } from './lib/api.js';
import { confirm, Notices } from './lib/dialogs.js';
import { fill, h } from './lib/dom.js';
import { Session } from './lib/session.js';
import { strings } from './strings.js';

const VIEWS = [
  { path: '/', needs: null, menu: strings.menu.start, load: () => import('./views/start.js') },
  { path: '/join', needs: null, load: () => import('./views/join.js') },
  { path: '/messages', needs: 'partner', menu: strings.menu.messages, load: () => import('./views/messages.js') },
  { path: '/messages/:id', needs: 'partner', load: () => import('./views/message.js') },
  { path: '/messages/:id/bytes', needs: 'partner', load: () => import('./views/bytes.js') },
  { path: '/compose', needs: 'partner', load: () => import('./views/compose.js') },
  { path: '/partners', needs: 'partner', menu: strings.menu.partners, load: () => import('./views/partners.js') },
  { path: '/partners/:name', needs: 'partner', load: () => import('./views/partner.js') },
  { path: '/keys', needs: null, menu: strings.menu.keys, load: () => import('./views/keys.js') },
  { path: '/records', needs: 'records:read', menu: strings.menu.records, load: () => import('./views/records.js') },
  { path: '/records/:id', needs: 'records:read', load: () => import('./views/record.js') },
  { path: '/records/:id/versions/:version', needs: 'records:read', load: () => import('./views/record.js') },
  { path: '/audit', needs: 'login', menu: strings.menu.audit, load: () => import('./views/audit.js') },
  { path: '/operations', needs: 'login', menu: strings.menu.operations, load: () => import('./views/operations.js') },
  { path: '/docs', needs: null, menu: strings.menu.docs, load: () => import('./views/docs.js') },
  { path: '/docs/:op', needs: null, load: () => import('./views/docs.js') },
];

const NOWHERE = { title: strings.frame.nowhere, render: (root) => root.append(h('p', null, strings.frame.nowhereText)) };

class App {
  constructor() {
    this.strings = strings;
    this.notices = new Notices(strings.frame.dismiss);
    this.api = new Api({ unreachable: strings.frame.unreachable, ended: () => this.session.lost() });
    this.session = new Session(this.api);
    this.post = null; // what one does with messages, once logged in with a key of this browser (lib/post.js)
    this.main = h('main', { id: 'main', tabindex: '-1' });
    this.menu = h('ul');
    this.who = h('div', { class: 'who' });
    this.turn = 0;
    this.leave = null;
    this.carried = [];
  }

  // ---- what views may use: api, session, strings, and these ----

  // kind: 'info', 'good' or 'error'. about: a word; what was said about that goes.
  notify(text, kind, about) { this.notices.show(text, kind, about); }

  // Tells of an error that was caught; what was aborted is none.
  fail(error) {
    if (error.name === 'AbortError') return;
    if (!(error instanceof ApiError) && !error.forPeople) console.error(error);
    this.notify(this.wordsFor(error), 'error');
  }

  wordsFor(error) {
    const id = error.requestId ? ` ${strings.frame.request(error.requestId)}` : '';
    return `${strings.problems[error.slug] ?? error.message}${id}`;
  }

  // {title, text or content, yes, danger}: a promise of true or false.
  confirm(options) { return confirm({ yes: strings.frame.yes, no: strings.frame.no, ...options }); }

  // path: "/records/…", as in VIEWS. notice: what to say there, as for notify(); what was said before goes.
  navigate(path, ...notice) {
    this.carried = notice;
    if (location.hash === `#${path}`) this.show();
    else location.hash = path;
  }

  // Logs in with a key that this browser has; token: one that joining has given.
  async enter(identity, token = null) {
    const [{ openLogin }, { Post }] = await Promise.all([import('./lib/identity.js'), import('./lib/post.js')]);
    await this.session.begin(token ?? await openLogin(this.api, identity));
    this.post = new Post(this.api, identity);
    this.post.mailbox.addEventListener('mail', ({ detail }) => {
      this.notify(strings.messages.news(detail.at(-1).from, detail.length), 'info', 'mail');
    });
    this.post.mailbox.start();
  }

  // ---- the frame ----

  start() {
    const skip = h('button', { type: 'button', class: 'skip', onclick: () => this.main.focus() }, strings.frame.skip);
    fill(document.body, skip,
      h('header', null, h('a', { class: 'brand', href: '#/' }, strings.frame.brand),
        h('nav', { 'aria-label': strings.frame.menu }, this.menu), this.who),
      this.main, this.notices.element,
      h('footer', null, h('p', null, strings.frame.trust)));
    this.session.addEventListener('change', (event) => {
      this.post?.mailbox.stop();
      this.post = null;
      this.drawFrame();
      if (event.detail === 'lost') {
        this.navigate('/', strings.frame.ended, 'error');
      }
    });
    addEventListener('hashchange', () => this.show());
    this.drawFrame();
    this.show();
  }

  drawFrame() {
    const { session } = this;
    fill(this.menu, VIEWS.filter((view) => view.menu && session.has(view.needs)).map((view) => h('li', null,
      h('a', { href: `#${view.path}`, 'aria-current': this.here === view && 'page' }, view.menu))));
    this.menu.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    fill(this.who, session.account !== null && [
      h('span', null, session.account),
      h('button', { type: 'button', onclick: () => this.logOut() }, strings.frame.logOut)]);
  }

  async logOut() {
    try {
      await this.session.end();
      this.navigate('/', strings.frame.loggedOut, 'good');
    } catch (error) {
      // Forgotten here all the same.
      this.navigate('/', this.wordsFor(error), 'error');
    }
  }

  // ---- the router ----

  find() {
    // /docs is also an address of its own.
    const [path, query] = (location.hash.slice(1) || (location.pathname === '/' ? '/' : location.pathname)).split('?', 2);
    const parts = path.split('/');
    for (const view of VIEWS) {
      const params = match(view.path.split('/'), parts);
      if (params) return { view, params: { ...params, query: new URLSearchParams(query ?? '') } };
    }
    return { view: null, params: {} };
  }

  async show() {
    const turn = (this.turn += 1);
    const { view, params } = this.find();
    const leave = this.leave;
    this.leave = null;
    this.here = view;
    this.main.setAttribute('aria-busy', 'true');
    this.notices.clear();
    if (this.carried.length > 0) this.notify(...this.carried);
    this.carried = [];
    try {
      leave?.();
      if (view && !this.session.has(view.needs)) {
        this.navigate('/', this.session.account === null ? strings.frame.logInFirst : strings.frame.notAllowed, 'info');
        return;
      }
      const module = view ? await view.load() : NOWHERE;
      if (turn !== this.turn) return;
      await this.draw(module, params, turn);
    } catch (error) {
      this.fail(error);
    } finally {
      if (turn === this.turn) this.main.removeAttribute('aria-busy');
      performance.mark('coffer-shown'); // for whoever measures
    }
  }

  async draw(module, params, turn) {
    const title = typeof module.title === 'function' ? module.title(params) : module.title;
    const heading = h('h1', { tabindex: '-1' }, title);
    const root = h('div', { class: 'view' });
    const first = turn === 1;
    document.title = `${title} · ${strings.frame.brand}`;
    this.drawFrame();
    fill(this.main, heading, root);
    if (!first) heading.focus();
    const leave = (await module.render(root, this, params)) ?? null;
    if (turn === this.turn) this.leave = leave;
    else leave?.();
  }
}

// The parameters, or null. Both are paths, split at their slashes.
function match(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  const params = {};
  for (const [i, want] of pattern.entries()) {
    if (want.startsWith(':')) {
      try {
        params[want.slice(1)] = decodeURIComponent(parts[i]);
      } catch {
        return null;
      }
      if (!parts[i]) return null;
    } else if (want !== parts[i]) {
      return null;
    }
  }
  return params;
}

new App().start();
